// What a buyer does in the payment provider's window, done by a program: it ends with the payment key.

export interface Authorised {
  readonly paymentKey: string;
}

/** Pays in the simulator's window. `amount` in minor units; `declineWith` names a code with which the card will be refused. */
export async function payInWindow(
  providerUrl: string,
  orderId: string,
  amount: bigint,
  { declineWith }: { readonly declineWith?: string } = {},
): Promise<Authorised> {
  const response = await fetch(`${providerUrl}/window`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ orderId, amount: Number(amount), declineWith }),
  });
  if (!response.ok)
    throw new Error(`the payment window answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Authorised;
}
