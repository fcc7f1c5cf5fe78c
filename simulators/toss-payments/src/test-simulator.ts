// test-simulator.ts: a simulator on a free port for a test, with a merchant's hand to use it.
import { readConfig } from "./config.ts";
import { startSimulator } from "./server.ts";

export const SECRET_KEY = "test_sk_simulator";
export const AUTHORIZATION = `Basic ${Buffer.from(`${SECRET_KEY}:`).toString("base64")}`;

export type Reply = Readonly<{ status: number; text: string; headers: Headers }>;
type Asking = Readonly<{
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
}>;
type Wish = Readonly<{ env?: Record<string, string>; now?: () => number; repeatsMs?: readonly number[] }>;
/** Any JSON the simulator answers, read field by field. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came over the wire.
export type Json = any;

export const json = (reply: Reply): Json => JSON.parse(reply.text);

export async function testSimulator({ env = {}, now = Date.now, repeatsMs }: Wish = {}) {
  const logged: { msg: string; fields: Json }[] = [];
  const config = readConfig({ SECRET_KEY, ...env });
  const simulator = await startSimulator(config, {
    now,
    log: (msg, fields) => logged.push({ msg, fields }),
    ...(repeatsMs && { repeatsMs }),
  });

  /** A JSON body is posted; a GET without one. */
  async function ask(path: string, asking: Asking = {}): Promise<Reply> {
    const { body, headers, timeoutMs = 5_000 } = asking;
    const answer = await fetch(`${simulator.address}${path}`, {
      method: asking.method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        authorization: AUTHORIZATION,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }
  const keyed = (key: string | undefined) => (key === undefined ? {} : { "idempotency-key": key });

  return {
    address: simulator.address,
    logged,
    ask,
    async open(orderId: string, amount = 15_000, more: object = {}): Promise<string> {
      return json(await ask("/window", { body: { orderId, amount, ...more } })).paymentKey;
    },
    confirm: (paymentKey: string, orderId: string, amount = 15_000, key?: string, timeoutMs = 5_000) =>
      ask("/v1/payments/confirm", { body: { paymentKey, orderId, amount }, headers: keyed(key), timeoutMs }),
    cancel: (paymentKey: string, cancelAmount?: number, key?: string, timeoutMs = 5_000) =>
      ask(`/v1/payments/${paymentKey}/cancel`, {
        body: { cancelReason: "asked by the buyer", cancelAmount },
        headers: keyed(key),
        timeoutMs,
      }),
    query: async (paymentKey: string): Promise<Json> => json(await ask(`/v1/payments/${paymentKey}`)),
    account: async (orderId: string): Promise<Json> => json(await ask(`/ledger/${orderId}`)),
    fault: async (rule: object): Promise<Json> => json(await ask("/control/faults", { body: rule })),
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
}

export type TestSimulator = Awaited<ReturnType<typeof testSimulator>>;
