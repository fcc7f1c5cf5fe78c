// An order service for tests of those who watch: a real gRPC server over orders that a test moves on by hand.
import { EventEmitter, once } from "node:events";
import {
  type OrderChange,
  OrderServiceService,
} from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { Refusal } from "@quadrille/decider";
import { type Call, service } from "@quadrille/rpc";

const { getOrder, watchOrder } = OrderServiceService;
/** As much of the service as watching asks of it. */
export const WatchedOrders = { getOrder, watchOrder };

interface FakeOrder {
  readonly memberId: string;
  readonly history: OrderChange[];
  settled: boolean;
}

export class FakeOrders {
  /** Watches that were opened, in order: whose, and after which change. */
  readonly opened: { readonly orderId: string; readonly afterChange: number }[] = [];
  /** Takes watches and says nothing, as a process does that hangs. */
  isSilent = false;
  readonly #orders = new Map<string, FakeOrder>();
  readonly #news = new EventEmitter().setMaxListeners(0);

  /** A new order with its first change. */
  place(orderId: string, memberId: string): void {
    this.#orders.set(orderId, { memberId, history: [], settled: false });
    this.tell(orderId, "PLACED");
  }

  tell(orderId: string, step: string, about: Partial<OrderChange> = {}): void {
    const { history } = this.#order(orderId);
    const number = (history.at(-1)?.number ?? 0) + 1;
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, number));
    history.push({ number, status: "ORDER_STATUS_PENDING", step, reason: "", at, ...about });
    this.#news.emit(orderId);
  }

  /** Forgets the order's oldest changes. */
  trim(orderId: string, kept: number): void {
    const { history } = this.#order(orderId);
    history.splice(0, history.length - kept);
  }

  settle(orderId: string): void {
    this.#order(orderId).settled = true;
    this.#news.emit(orderId);
  }

  get service() {
    return service(
      WatchedOrders,
      {
        getOrder: async ({ orderId }, call) => ({ order: toMessage(orderId, this.#own(orderId, call)) }),
        watchOrder: ({ orderId, afterChange }, call) => this.#watch(orderId, afterChange, call),
      },
      { getOrder: ["member"], watchOrder: ["member"] },
    );
  }

  async *#watch(orderId: string, afterChange: number, call: Call) {
    this.opened.push({ orderId, afterChange });
    const order = this.#own(orderId, call);
    const { signal } = call;
    if (this.isSilent) await once(this.#news, "never", { signal });
    for (let seen = afterChange; ; ) {
      const news = order.history.filter(({ number }) => number > seen);
      const snapshot = (news[0]?.number ?? seen + 1) > seen + 1;
      for (const change of snapshot ? news.slice(-1) : news) yield { change, snapshot };
      seen = news.at(-1)?.number ?? seen;
      if ((order.history.at(-1)?.number ?? 0) > seen) continue; // It came while the others were sent.
      if (order.settled) return;
      await once(this.#news, orderId, { signal });
    }
  }

  #own(orderId: string, { caller }: Call): FakeOrder {
    const order = this.#orders.get(orderId);
    const isOwn = caller.role === "member" && order?.memberId === caller.memberId;
    if (order === undefined || !isOwn) throw new Refusal("ORDER_UNKNOWN");
    return order;
  }

  #order(orderId: string): FakeOrder {
    const order = this.#orders.get(orderId);
    if (order === undefined) throw new Error(`there is no order ${orderId}`);
    return order;
  }
}

function toMessage(orderId: string, { history, settled }: FakeOrder) {
  return {
    orderId,
    status: "ORDER_STATUS_PENDING" as const,
    lines: [],
    subtotal: 0n,
    points: 0n,
    amountDue: 0n,
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD" as const,
    placedAt: undefined,
    payBy: undefined,
    reason: "",
    settled,
    history,
  };
}
