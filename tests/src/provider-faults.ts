// The switches behind the payment provider's back: what it does wrong from now on, and which payments it gives up.
import type { System } from "./system.ts";

/** A rule as the simulator's control API takes it. */
export type FaultRule = Readonly<Record<string, unknown>> & { readonly fault: string };

export async function addFaults(system: System, rules: readonly FaultRule[]): Promise<void> {
  await control(system, "POST", "/control/faults", rules);
}

/** From now on the provider is well. */
export async function clearFaults(system: System): Promise<void> {
  await control(system, "DELETE", "/control/faults");
}

/** The provider's own time for this payment key is up: it will not take money for it any more. */
export async function expire(system: System, paymentKey: string): Promise<void> {
  await control(system, "POST", "/control/expire", { paymentKey });
}

async function control(
  { stack }: System,
  method: "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<void> {
  const response = await fetch(`${stack.providerUrl}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  if (!response.ok)
    throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
}
