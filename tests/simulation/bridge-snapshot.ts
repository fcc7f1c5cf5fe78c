// Everything a service's database holds, as texts by table and key: of memory and of PostgreSQL in the same words.
import type { Service } from "@quadrille/contracts/events";
import {
  HoldRow as BenefitHoldRow,
  type BenefitStore,
  holdOf as benefitHoldOf,
  MemberRow,
  TransferRow,
} from "@quadrille/member/benefits.store";
import type { OrderStore } from "@quadrille/order/order.store";
import { CartRow, OrderRow, fromRow as orderOf } from "@quadrille/order/order.store";
import type { Claim } from "@quadrille/outbox/transaction";
import {
  JournalRow,
  PaymentRow,
  type PaymentStore,
  fromRow as paymentOf,
} from "@quadrille/payment/payment.store";
import {
  MovementRow,
  HoldRow as StockHoldRow,
  type StockStore,
  holdOf as stockHoldOf,
  VariantRow,
} from "@quadrille/product/stock.store";
import { canonical } from "./bridge-canonical.ts";
import type { History } from "./bridge-recording.ts";

/** By table, then by key; a ledger's keys are its lines' numbers, from 1. */
export type Snapshot = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A statement on a service's database, past its store. */
export type Query = (text: string) => Promise<Record<string, unknown>[]>;

export interface Stores {
  readonly order: OrderStore;
  readonly product: StockStore;
  readonly member: BenefitStore;
  readonly payment: PaymentStore;
}

interface Counted {
  readonly revision: number;
  readonly version?: number;
}

type Pair = readonly [key: string, value: unknown];

export const texts = (pairs: readonly Pair[]) =>
  new Map(pairs.map(([key, value]) => [key, canonical(value)]));
const numbered = (lines: readonly unknown[]) => texts(lines.map((line, index) => [`${index + 1}`, line]));
const row = (key: string, state: unknown, { revision, version = 0 }: Counted): Pair => [
  key,
  { state, revision, version },
];

export function snapshotOfMemory({ database, groups }: History): Snapshot {
  if (database === undefined) throw new Error("nothing was written down");
  const tables = database.tables.map((table): [string, ReadonlyMap<string, string>] => {
    const kept = [...(database.rows[table] ?? [])];
    return [table, texts(kept.map(([key, { state, ...counted }]) => row(key, state, counted)))];
  });
  const lines = database.entries.map(({ entry, at }) => ({ ...(entry as object), at }));
  const claims = claimsOf(groups).filter(({ factId }) => database.inbox.has(factId));
  if (claims.length !== database.inbox.size) throw new Error("the inbox holds facts no group has claimed");
  return new Map([
    ...tables,
    ["ledger", numbered(lines)],
    ["inbox", texts(claims.map((claim) => [claim.factId, claim]))],
    ["outbox", texts([...database.outbox.rows.values()].map(({ envelope }) => [envelope.id, envelope]))],
    ["requests", texts([...database.requests].map(([key, { hash, answer }]) => [key, { hash, answer }]))],
  ]);
}

/**
 * What the groups put into the inbox, each fact at the highest place it came from. A broker that forgot makes places
 * void, which is no decision of a group, so they are not read from the inbox itself.
 */
function claimsOf(groups: History["groups"]): readonly Claim[] {
  const claims = new Map<string, Claim>();
  for (const group of groups) {
    for (const claim of group.claims) claims.set(claim.factId, claim);
    for (const { factId, stream, seq, storedAt } of group.repeated) {
      const kept = claims.get(factId);
      if (kept?.stream === stream && kept.seq < seq) claims.set(factId, { ...kept, seq, storedAt });
    }
  }
  return [...claims.values()];
}

export async function snapshotOfSql(service: Service, stores: Stores, query: Query): Promise<Snapshot> {
  return new Map([...(await decided[service](stores)), ...(await messages(query))]);
}

type Tables = [string, ReadonlyMap<string, string>][];

const decided: { readonly [S in Service]: (stores: Stores) => Promise<Tables> } = {
  async order({ order }) {
    const carts = await order.read((em) => em.find(CartRow, {}));
    const orders = await order.read((em) => em.find(OrderRow, {}));
    return [
      [
        "carts",
        texts(
          carts.map((cart) => row(cart.memberId, { lines: cart.lines, version: cart.cartVersion }, cart)),
        ),
      ],
      ["orders", texts(orders.map((found) => row(found.orderId, orderOf(found), found)))],
      ["ledger", new Map()],
    ];
  },
  async product({ product }) {
    const holds = await product.read((em) => em.find(StockHoldRow, {}));
    const variants = await product.read((em) => em.find(VariantRow, {}));
    const lines = await product.read((em) => em.find(MovementRow, {}, { orderBy: { movementId: "asc" } }));
    const movements = lines.map(({ variantId, quantity, origin: from, destination: to, orderId, at }) => {
      return { variantId, quantity, from, to, orderId, at };
    });
    const listed = ({ status, title, price, onSale, available, held, sold }: VariantRow) =>
      status === "listed" ? { status, title, price, onSale, available, held, sold } : { status };
    return [
      ["holds", texts(holds.map((found) => row(found.orderId, stockHoldOf(found), found)))],
      ["variants", texts(variants.map((found) => row(found.variantId, listed(found), found)))],
      ["ledger", numbered(movements)],
    ];
  },
  async member({ member }) {
    const holds = await member.read((em) => em.find(BenefitHoldRow, {}));
    const members = await member.read((em) => em.find(MemberRow, {}));
    const lines = await member.read((em) => em.find(TransferRow, {}, { orderBy: { transferId: "asc" } }));
    const transfers = lines.map(({ memberId, points, debited: from, credited: to, orderId, note, at }) => {
      return { memberId, points, from, to, orderId, note, at };
    });
    const known = ({ status, name, available, held, spent }: MemberRow) =>
      status === "known" ? { status, name, available, held, spent } : { status };
    return [
      ["holds", texts(holds.map((found) => row(found.orderId, benefitHoldOf(found), found)))],
      ["members", texts(members.map((found) => row(found.memberId, known(found), found)))],
      ["ledger", numbered(transfers)],
    ];
  },
  async payment({ payment }) {
    const payments = await payment.read((em) => em.find(PaymentRow, {}));
    const lines = await payment.read((em) => em.find(JournalRow, {}, { orderBy: { number: "asc" } }));
    return [
      ["payments", texts(payments.map((found) => row(found.orderId, paymentOf(found), found)))],
      ["ledger", numbered(lines.map(entryOf))],
    ];
  },
};

function entryOf({ orderId, kind: type, lease, what, detail, decidedBy, at }: JournalRow): object {
  switch (type) {
    case "called":
      return { orderId, type, lease, errand: what, at };
    case "answered":
      return { orderId, type, lease, answer: what, detail, at };
    case "resolved":
      return { orderId, type, resolution: what, by: decidedBy, note: detail, at };
  }
}

async function messages(query: Query): Promise<Tables> {
  const heard = await query("select fact_id, stream, seq, stored_at, deliveries from inbox");
  const told = await query(
    `select id, type, aggregate_id, aggregate_version, occurred_at, causation_id, traceparent, payload
     from outbox`,
  );
  const answered = await query("select caller, method, request_id, hash, answer from requests");
  const inbox = heard.map(({ fact_id: factId, stream, seq, stored_at: storedAt, deliveries }): Pair => {
    return [factId as string, { factId, stream, seq: BigInt(seq as string), storedAt, deliveries }];
  });
  const outbox = told.map((found): Pair => {
    const { id, type, aggregate_id: aggregateId, aggregate_version: aggregateVersion, payload } = found;
    const { occurred_at: occurredAt, causation_id: causationId, traceparent } = found;
    const about = { id, type, aggregateId, aggregateVersion, occurredAt, causationId, traceparent, payload };
    return [id as string, about];
  });
  const requests = answered.map(({ caller, method, request_id, hash, answer }): Pair => {
    return [JSON.stringify([caller, method, request_id]), { hash, answer }];
  });
  return [
    ["inbox", texts(inbox)],
    ["outbox", texts(outbox)],
    ["requests", texts(requests)],
  ];
}

/** What differs, in words; at most so many. */
export function differences(memory: Snapshot, sql: Snapshot, most = 10): readonly string[] {
  const found: string[] = [];
  for (const table of new Set([...memory.keys(), ...sql.keys()])) {
    const [one, other] = [memory.get(table) ?? new Map(), sql.get(table) ?? new Map()];
    for (const key of new Set([...one.keys(), ...other.keys()])) {
      if (one.get(key) === other.get(key)) continue;
      found.push(
        `${table} ${key}: ${one.get(key) ?? "absent"} in memory, ${other.get(key) ?? "absent"} in SQL`,
      );
      if (found.length === most) return found;
    }
  }
  return found;
}

/** Rows of all tables. */
export const rowsIn = (snapshot: Snapshot): number =>
  [...snapshot.values()].reduce((sum, rows) => sum + rows.size, 0);
