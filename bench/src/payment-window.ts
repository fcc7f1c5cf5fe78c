// The provider's payment window for many buyers: what they wish for in one turn of the event loop is one request.

interface Wish {
  readonly orderId: string;
  readonly amount: bigint;
  readonly resolve: (paymentKey: string) => void;
  readonly reject: (error: unknown) => void;
}

/** The simulator takes no more in one request. */
const wishesMost = 1_000;

export class PaymentWindow {
  readonly #url: string;
  #wishes: Wish[] = [];

  constructor(providerUrl: string) {
    this.#url = `${providerUrl}/window`;
  }

  /** Pays `amount` minor units; resolves with the payment key. */
  pay(orderId: string, amount: bigint): Promise<string> {
    const paid = new Promise<string>((resolve, reject) => {
      if (this.#wishes.length === 0) setImmediate(() => void this.#ask());
      this.#wishes.push({ orderId, amount, resolve, reject });
    });
    paid.catch(() => {}); // It may fail before its buyer comes to need it.
    return paid;
  }

  async #ask(): Promise<void> {
    const wishes = this.#wishes.splice(0, wishesMost);
    if (this.#wishes.length > 0) setImmediate(() => void this.#ask());
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(wishes.map(({ orderId, amount }) => ({ orderId, amount: Number(amount) }))),
      });
      if (!response.ok) throw new Error(`the payment window answered ${response.status}`);
      const keys = (await response.json()) as readonly { readonly paymentKey: string }[];
      for (const [index, { resolve }] of wishes.entries()) resolve(keys[index]?.paymentKey ?? "");
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }
}
