// toss-rig.ts: a payment service's hand on the provider's simulator, that remembers every word it heard.
import { randomUUID } from "node:crypto";
import { openLog } from "@quadrille/process/log";
import { readConfig } from "@quadrille/toss-payments-simulator/config";
import { startSimulator } from "@quadrille/toss-payments-simulator/server";
import { openToss, type TossConfig } from "../toss.ts";

export const SECRET_KEY = "test_sk_our_own_secret";
export const unknown = (why: string) => ({ kind: "unknown", why });

export type TossRig = Awaited<ReturnType<typeof openTossRig>>;

export async function openTossRig() {
  const simulator = await startSimulator(readConfig({ SECRET_KEY }), { now: Date.now, log: () => {} });
  const lines: string[] = [];
  const answers: unknown[] = [];
  const paymentKeys: string[] = [];
  const log = openLog({ service: "payment", to: { write: (line) => void lines.push(line) } });

  /** The provider's back door: windows are opened, faults ordered and the ledger read through it. */
  async function control(method: string, path: string, body?: object) {
    const headers = { "content-type": "application/json" };
    const init = { method, ...(body && { body: JSON.stringify(body), headers }) };
    const response = await fetch(simulator.address + path, init);
    // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came over the wire.
    return (response.status === 204 ? undefined : await response.json()) as any;
  }

  async function newPayment() {
    const orderId = randomUUID();
    const { paymentKey } = await control("POST", "/window", { orderId, amount: 15_000 });
    paymentKeys.push(paymentKey);
    const due = { paymentKey, orderId, amount: 15_000n, currency: "KRW" };
    const account = () => control("GET", `/ledger/${orderId}`);
    return {
      due,
      attempt: { attemptId: randomUUID(), ...due },
      refund: (number: number, amount = 15_000n) => ({
        orderId,
        paymentKey,
        number,
        amount,
        reason: "cancelled",
      }),
      fault: (rule: object) => control("POST", "/control/faults", { paymentKey, ...rule }),
      captures: async (): Promise<number> => (await account()).captures ?? 0,
      refunded: async (): Promise<number> => (await account()).refunded ?? 0,
    };
  }

  return {
    lines,
    control,
    newPayment,
    open: (more: Partial<TossConfig> = {}) =>
      openToss({ baseUrl: simulator.address, secretKey: SECRET_KEY, timeoutMs: 150, log, ...more }),
    /** Passes an answer on and remembers it, so that no secret in it goes unseen. */
    async heard<T>(answer: Promise<T>): Promise<T> {
      answers.push(await answer);
      return await answer;
    },
    /** Everything that was answered or logged so far. */
    told: () =>
      lines.join("") +
      JSON.stringify(answers, (_key, value) => (typeof value === "bigint" ? `${value}` : value)),
    secrets: () => [SECRET_KEY, Buffer.from(`${SECRET_KEY}:`).toString("base64"), ...paymentKeys],
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}
