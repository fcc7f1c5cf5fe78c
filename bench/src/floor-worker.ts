// One role of the floor at work: a queue, transactions, and what has to follow each commit.
import { events, type Service } from "@quadrille/contracts/events";
import pg from "pg";
import { FloorBroker, type Kind } from "./floor-broker.ts";
import { member, product } from "./floor-holds.ts";
import { order } from "./floor-order.ts";
import { payment } from "./floor-payment.ts";
import { type Input, type Role, type ToldFact, transact } from "./floor-transaction.ts";

const roles: Readonly<Record<Service, Role>> = { order, product, member, payment };

export interface WorkerOptions {
  readonly service: Service;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** Tells this floor's streams from another's. */
  readonly prefix: string;
  /** Messages that share a transaction, at most. */
  readonly most: number;
  /** Transactions at the same time. */
  readonly connections: number;
}

/** What a buyer hears of an order. */
export interface News {
  readonly orderId: string;
  readonly type: string;
}

interface Queued extends Input {
  readonly acknowledge?: () => void;
}

/** As late as the product does it: many rows at once, and no commit waits for it. */
const markDelayMs = 100;
/** Index look-ups whatever the tables' size was when a statement was prepared. */
const planning =
  "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

export class FloorWorker {
  readonly #role: Role;
  readonly #most: number;
  readonly #idle: pg.Client[];
  readonly #marker: pg.Client;
  readonly #tellBuyer: (news: News) => void;
  #broker: FloorBroker | undefined;
  readonly #queue: Queued[] = [];
  #isPumping = false;
  #marks: { readonly id: string; readonly stream: string; readonly seq: number }[] = [];

  static async start(options: WorkerOptions, tellBuyer: (news: News) => void): Promise<FloorWorker> {
    const clients = await Promise.all(
      Array.from({ length: options.connections + 1 }, async () => {
        const client = new pg.Client({ connectionString: options.databaseUrl, options: planning });
        await client.connect();
        return client;
      }),
    );
    const worker = new FloorWorker(roles[options.service], options.most, clients, tellBuyer);
    await worker.#listen(options);
    return worker;
  }

  constructor(role: Role, most: number, clients: pg.Client[], tellBuyer: (news: News) => void) {
    this.#role = role;
    this.#most = most;
    this.#marker = clients.pop() as pg.Client;
    this.#idle = clients;
    this.#tellBuyer = tellBuyer;
  }

  async #listen({ natsUrl, prefix, service }: WorkerOptions): Promise<void> {
    const broker = await FloorBroker.open(natsUrl, prefix, (id, stream, seq) =>
      this.#stored(id, stream, seq),
    );
    this.#broker = broker;
    for (const kind of kindsHeardBy(service))
      await broker.hear(service, kind, ({ factId, payload, stream, seq, acknowledge }) => {
        const data = kind.decode(payload);
        const claim = { fact_id: factId, stream, seq: `${seq}` };
        this.give({
          type: kind.type,
          orderId: (data as { orderId: string }).orderId,
          data,
          claim,
          acknowledge,
        });
      });
  }

  give(input: Queued): void {
    this.#queue.push(input);
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => this.#pump()); // What arrives in one turn shares its transaction.
  }

  #pump(): void {
    this.#isPumping = false;
    while (this.#queue.length > 0) {
      const client = this.#idle.pop();
      if (client === undefined) return;
      void this.#run(client, this.#queue.splice(0, this.#most));
    }
  }

  /** A failed transaction ends the process: the run is void. */
  async #run(client: pg.Client, inputs: readonly Queued[]): Promise<void> {
    const told = await transact(client, this.#role, inputs);
    this.#idle.push(client);
    this.#pump();
    for (const fact of told) this.#broker?.publish(fact.type, fact.id, fact.payload);
    for (const input of inputs) this.#answer(input);
    for (const fact of told) this.#tell(fact);
  }

  #answer(input: Queued): void {
    input.acknowledge?.();
    // The provider said yes at once; its answer is written down by a transaction of its own.
    if (input.type === "confirm") this.give({ ...input, type: "answered" });
  }

  #tell({ type, row }: ToldFact): void {
    if (type === "payment.opened" || type === "order.confirmed")
      this.#tellBuyer({ orderId: row.aggregate_id as string, type });
  }

  #stored(id: string, stream: string, seq: number): void {
    if (this.#marks.push({ id, stream, seq }) === 1) setTimeout(() => void this.#mark(), markDelayMs);
  }

  async #mark(): Promise<void> {
    const marks = this.#marks;
    this.#marks = [];
    await this.#marker.query({
      name: "mark",
      text: `update outbox set published_at = clock_timestamp(), stream = placed.stream, seq = placed.seq
        from json_populate_recordset(null::outbox, $1) as placed
        where outbox.id = placed.id and (select set_config('synchronous_commit', 'off', true)) is not null`,
      values: [JSON.stringify(marks)],
    });
  }
}

function kindsHeardBy(service: Service): readonly Kind[] {
  const heard = [
    "order.placed",
    "order.payable",
    "order.confirmed",
    "product.stock_held",
    "product.stock_committed",
  ];
  heard.push("member.benefits_held", "member.benefits_spent", "payment.approved");
  return Object.values(events)
    .map((kind) => kind as unknown as Kind)
    .filter(({ type, heardBy }) => heard.includes(type) && heardBy.includes(service));
}
