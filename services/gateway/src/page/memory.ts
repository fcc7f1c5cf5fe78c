// What this tab remembers across a reload and a visit to the payment window: who is signed in, and what was begun.

export interface BegunPayment {
  readonly orderId: string;
  /** Whose it is: nobody else's token confirms it. */
  readonly memberId: string;
  readonly paymentKey: string;
  readonly amount: number;
  /** Sent with every attempt, so that a payment that was begun twice is made once. */
  readonly key: string;
}

export interface BegunOrder {
  /** What was asked for, with the version of the cart it was asked for with. */
  readonly asked: string;
  readonly key: string;
}

/** The payment window that this tab left for last. */
export interface LeftForWindow {
  readonly orderId: string;
  readonly memberId: string;
  /** Is in the addresses that the window sends back to, so that no other address is taken for a return. */
  readonly returnKey: string;
}

interface Kept {
  readonly token: string;
  readonly payments: readonly BegunPayment[];
  readonly order: BegunOrder;
  readonly left: LeftForWindow;
}

const prefix = "quadrille.";

export function remember<Name extends keyof Kept>(name: Name, value: Kept[Name]): void {
  sessionStorage.setItem(prefix + name, JSON.stringify(value));
}

export function remembered<Name extends keyof Kept>(name: Name): Kept[Name] | undefined {
  const text = sessionStorage.getItem(prefix + name);
  return text === null ? undefined : (JSON.parse(text) as Kept[Name]);
}

export function forget(...names: readonly (keyof Kept)[]): void {
  for (const name of names) sessionStorage.removeItem(prefix + name);
}

/** The same request as every other with this key. */
export const withKey = (key: string) => ({ "Idempotency-Key": key });

/** Not `randomUUID`, which a browser gives only to pages that came over https or from this machine. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
