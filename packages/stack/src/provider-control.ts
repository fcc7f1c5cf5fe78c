// What a story does behind the provider's back: it makes the simulator fail, and reads its ledger.

/** A rule of the simulator's control API. */
export type FaultRule = Readonly<Record<string, unknown>> & { readonly fault: string };

/** What the provider took for one order, minor units. */
export interface Account {
  readonly captured: number;
  readonly captures: number;
  readonly refunded: number;
}

/** Makes the simulator fail in these ways until it is disposed. */
export async function addFaults(providerUrl: string, rules: readonly FaultRule[]): Promise<AsyncDisposable> {
  const answer = await fetch(`${providerUrl}/control/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(rules),
  });
  const added = (await (await assertOk(answer)).json()) as readonly { readonly id: number }[];
  return {
    async [Symbol.asyncDispose]() {
      for (const { id } of added) {
        const gone = await fetch(`${providerUrl}/control/faults/${id}`, { method: "DELETE" });
        // A rule that hit as often as it may is forgotten by itself.
        if (gone.status !== 404) await assertOk(gone);
      }
    },
  };
}

export async function accountOf(providerUrl: string, orderId: string): Promise<Account> {
  return (await (await assertOk(await fetch(`${providerUrl}/ledger/${orderId}`))).json()) as Account;
}

async function assertOk(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
  return response;
}
