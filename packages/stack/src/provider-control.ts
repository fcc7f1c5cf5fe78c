// What is done behind the payment provider's back: the simulator is made to fail, and its ledger is read.

/** A rule of the simulator's control API. */
export type FaultRule = Readonly<Record<string, unknown>> & { readonly fault: string };

/** What the provider took for one order and gave back, minor units. */
export interface Account {
  readonly orderId: string;
  readonly captured: number;
  readonly captures: number;
  readonly refunded: number;
  readonly refunds: number;
}

interface Ledger {
  readonly orders: readonly Account[];
  /** Where the next page begins. */
  readonly next: number | null;
}

/** As many accounts as the simulator gives at once. */
const accountsMax = 50_000;

/** Makes the simulator fail in these ways until it is disposed, or cleared. */
export async function addFaults(providerUrl: string, rules: readonly FaultRule[]): Promise<AsyncDisposable> {
  const answer = await assertOk(await ask(providerUrl, "POST", "/control/faults", rules));
  const added = (await answer.json()) as readonly { readonly id: number }[];
  return {
    async [Symbol.asyncDispose]() {
      for (const { id } of added) {
        const gone = await ask(providerUrl, "DELETE", `/control/faults/${id}`);
        // A rule that hit as often as it may is forgotten by itself.
        if (gone.status !== 404) await assertOk(gone);
      }
    },
  };
}

/** From now on the provider is well, whoever made it fail. */
export async function clearFaults(providerUrl: string): Promise<void> {
  await assertOk(await ask(providerUrl, "DELETE", "/control/faults"));
}

/** The provider's own time for this payment key is up: it will not take money for it any more. */
export async function expire(providerUrl: string, paymentKey: string): Promise<void> {
  await assertOk(await ask(providerUrl, "POST", "/control/expire", { paymentKey }));
}

export async function accountOf(providerUrl: string, orderId: string): Promise<Account> {
  return (await (await assertOk(await ask(providerUrl, "GET", `/ledger/${orderId}`))).json()) as Account;
}

/** The account of every order the provider ever took money for. */
export async function ledgerOf(providerUrl: string): Promise<readonly Account[]> {
  const answer = await assertOk(await ask(providerUrl, "GET", `/ledger?limit=${accountsMax}`));
  const { orders, next } = (await answer.json()) as Ledger;
  if (next !== null) throw new Error(`the ledger holds more than ${accountsMax} accounts`);
  return orders;
}

async function ask(
  providerUrl: string,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<Response> {
  const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return await fetch(`${providerUrl}${path}`, { method, ...(body !== undefined && json) });
}

async function assertOk(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new Error(`the provider answered ${response.status} to ${response.url}: ${await response.text()}`);
}
