// The one catalogue of facts: who tells them, who hears them, what they mean. Streams, durables, docs and tests derive from it.
import {
  BenefitsHeld,
  BenefitsRejected,
  BenefitsReleased,
  BenefitsSpendFailed,
  BenefitsSpent,
} from "./gen/quadrille/member/v1/facts.ts";
import {
  OrderCancelled,
  OrderCancelRequested,
  OrderConfirmationFailed,
  OrderConfirmed,
  OrderPayable,
  OrderPlaced,
} from "./gen/quadrille/order/v1/facts.ts";
import {
  PaymentApproved,
  PaymentDeclined,
  PaymentOpened,
  PaymentRefunded,
  PaymentVoided,
} from "./gen/quadrille/payment/v1/facts.ts";
import {
  StockCommitFailed,
  StockCommitted,
  StockHeld,
  StockRejected,
  StockReleased,
} from "./gen/quadrille/product/v1/facts.ts";

export const services = ["order", "product", "member", "payment"] as const;
export type Service = (typeof services)[number];

/** A fact's payload with nothing missing: every message field is there, or it would not have been decoded. */
export type Told<Message> = { readonly [K in keyof Message]: Exclude<Message[K], undefined> };

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** One kind of fact in the catalogue. */
export interface FactKind<
  Type extends string = string,
  Message extends { orderId: string } = { orderId: string },
> {
  /** `<teller>.<fact>`, such as `product.stock_held`. */
  readonly type: Type;
  readonly teller: Service;
  /** `quadrille.<teller>.v1.<fact>`. */
  readonly subject: string;
  /** Full protobuf name, the CloudEvents type. */
  readonly messageName: string;
  readonly heardBy: readonly Service[];
  readonly meaning: string;
  encode(data: Told<Message>): Uint8Array;
  /** Throws `Undecodable` when the bytes are not this message, or a field it cannot do without is missing or unknown. */
  decode(bytes: Uint8Array): Told<Message>;
}

/** A fact as deciders return it. */
export interface FactOf<Kind> {
  readonly type: Kind extends FactKind<infer Type, infer _> ? Type : never;
  readonly data: Kind extends { decode(bytes: Uint8Array): infer Data } ? Data : never;
}

/** Bytes that are not the fact they claim to be. Waiting or trying again cannot help. */
export class Undecodable extends Error {
  override readonly name = "Undecodable";
}

function fact<Type extends `${Service}.${string}`, Message extends { orderId: string }>(
  type: Type,
  message: Codec<Message>,
  messageName: string,
  heardBy: readonly Service[],
  meaning: string,
): FactKind<Type, Message> {
  const [teller, name] = type.split(".") as [Service, string];
  return {
    type,
    teller,
    subject: `quadrille.${teller}.v1.${name}`,
    messageName: `quadrille.${teller}.v1.${messageName}`,
    heardBy,
    meaning,
    encode: (data) => message.encode(data as Message).finish(),
    decode(bytes) {
      let data: Message;
      try {
        data = message.decode(bytes);
      } catch (cause) {
        throw new Undecodable(`not a ${type}`, { cause });
      }
      for (const field of Object.keys(data)) {
        const value = data[field as keyof Message];
        if (value === undefined) throw new Undecodable(`${type} without ${field}`);
        // An enum value of a newer build: to go on would be to tell it further as something else.
        if (value === "UNRECOGNIZED")
          throw new Undecodable(`${type} with a ${field} this build does not know`);
      }
      if (data.orderId === "") throw new Undecodable(`${type} without orderId`);
      return data as Told<Message>;
    },
  };
}

export const events = {
  orderPlaced: fact(
    "order.placed",
    OrderPlaced,
    "OrderPlaced",
    ["product", "member"],
    "Accepted at frozen prices; whoever owns what it needs takes hold of it.",
  ),
  orderPayable: fact(
    "order.payable",
    OrderPayable,
    "OrderPayable",
    ["payment"],
    "Every hold is taken; the amount due may be paid until pay_by.",
  ),
  orderConfirmed: fact(
    "order.confirmed",
    OrderConfirmed,
    "OrderConfirmed",
    ["product", "member"],
    "Paid; the holds become a sale.",
  ),
  orderCancelRequested: fact(
    "order.cancel_requested",
    OrderCancelRequested,
    "OrderCancelRequested",
    ["payment"],
    "Someone wants out while a payment is possible; payment says which came first.",
  ),
  orderCancelled: fact(
    "order.cancelled",
    OrderCancelled,
    "OrderCancelled",
    ["product", "member", "payment"],
    "Ended without a sale, or a sale taken back whole; everyone gives back what they hold.",
  ),
  orderConfirmationFailed: fact(
    "order.confirmation_failed",
    OrderConfirmationFailed,
    "OrderConfirmationFailed",
    ["payment"],
    "Paid, but it cannot be confirmed; the money goes back.",
  ),

  stockHeld: fact("product.stock_held", StockHeld, "StockHeld", ["order"], "Every line is held."),
  stockRejected: fact(
    "product.stock_rejected",
    StockRejected,
    "StockRejected",
    ["order"],
    "Nothing is held; says which lines lack what.",
  ),
  stockCommitted: fact(
    "product.stock_committed",
    StockCommitted,
    "StockCommitted",
    ["order"],
    "The hold became a sale.",
  ),
  stockReleased: fact(
    "product.stock_released",
    StockReleased,
    "StockReleased",
    ["order"],
    "The stock went back, or there was none to give back.",
  ),
  stockCommitFailed: fact(
    "product.stock_commit_failed",
    StockCommitFailed,
    "StockCommitFailed",
    ["order"],
    "The sale came when hold and stock were gone.",
  ),

  benefitsHeld: fact("member.benefits_held", BenefitsHeld, "BenefitsHeld", ["order"], "The points are held."),
  benefitsRejected: fact(
    "member.benefits_rejected",
    BenefitsRejected,
    "BenefitsRejected",
    ["order"],
    "Nothing is held, and why.",
  ),
  benefitsSpent: fact(
    "member.benefits_spent",
    BenefitsSpent,
    "BenefitsSpent",
    ["order"],
    "The held points were spent on the sale.",
  ),
  benefitsSpendFailed: fact(
    "member.benefits_spend_failed",
    BenefitsSpendFailed,
    "BenefitsSpendFailed",
    ["order"],
    "The sale came when hold and points were gone.",
  ),
  benefitsReleased: fact(
    "member.benefits_released",
    BenefitsReleased,
    "BenefitsReleased",
    ["order"],
    "The points went back, or there were none to give back.",
  ),

  paymentOpened: fact(
    "payment.opened",
    PaymentOpened,
    "PaymentOpened",
    [],
    "The provider's window may be opened.",
  ),
  paymentApproved: fact(
    "payment.approved",
    PaymentApproved,
    "PaymentApproved",
    ["order"],
    "The money was taken, or nothing was due.",
  ),
  paymentDeclined: fact(
    "payment.declined",
    PaymentDeclined,
    "PaymentDeclined",
    ["order"],
    "The provider refused; nothing was taken.",
  ),
  paymentVoided: fact(
    "payment.voided",
    PaymentVoided,
    "PaymentVoided",
    ["order"],
    "Ended before anything was tried.",
  ),
  paymentRefunded: fact(
    "payment.refunded",
    PaymentRefunded,
    "PaymentRefunded",
    ["order"],
    "Money went back to the buyer.",
  ),
} as const;

type Events = typeof events;

/** Every fact of the catalogue. */
export type PublicFact = { [K in keyof Events]: FactOf<Events[K]> }[keyof Events];
/** The facts one service tells. */
export type FactToldBy<S extends Service> = Extract<PublicFact, { type: `${S}.${string}` }>;

const kinds = new Map<string, FactKind<string, never>>(
  Object.values(events).map((kind) => [kind.type, kind as unknown as FactKind<string, never>]),
);
const kindsByMessage = new Map([...kinds.values()].map((kind) => [kind.messageName, kind]));

/** The kind of a published fact, or undefined for facts that stay inside their service. */
export function kindOf(type: string): FactKind<string, never> | undefined {
  return kinds.get(type);
}

/** The kind behind a full protobuf name, or undefined for one this build does not know. */
export function kindOfMessage(messageName: string): FactKind<string, never> | undefined {
  return kindsByMessage.get(messageName);
}

/** The stream every fact of a service is kept in, and the subjects it takes. */
export function streamOf(teller: Service): { readonly name: string; readonly subjects: readonly string[] } {
  return { name: `QUADRILLE_${teller.toUpperCase()}`, subjects: [`quadrille.${teller}.v1.>`] };
}

/** One durable consumer per pair of services in which one hears the other. */
export function durableOf(
  hearer: Service,
  teller: Service,
): { readonly name: string; readonly filter: string } {
  return { name: `${hearer}_hears_${teller}`, filter: `quadrille.${teller}.v1.>` };
}

/** The services whose facts a service hears, in the catalogue's order. */
export function tellersFor(hearer: Service): readonly Service[] {
  const kindsHeard = Object.values(events).filter((kind) => kind.heardBy.includes(hearer));
  return [...new Set(kindsHeard.map((kind) => kind.teller))];
}
