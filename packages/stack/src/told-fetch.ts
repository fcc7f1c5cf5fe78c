// A `fetch` that tells each call with its answer: `POST /v1/cart/lines {"productId":…} → 200`.
import type { Schemas } from "@quadrille/client";

/** The line comes when the answer has; of what is refused it says why. */
export function toldFetch(told: (line: string) => void): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input instanceof Request ? input.clone() : input, init);
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    const said = body === "" ? "" : ` ${JSON.stringify(JSON.parse(body), withoutSecrets)}`;
    const response = await fetch(input, init); // A request made here would lose its signal with the next garbage collection.
    told(
      `${request.method} ${pathname}${search}${said} → ${response.status}${await whyOf(response.clone())}`,
    );
    return response;
  };
}

/** With the payment key alone money could be taken. */
function withoutSecrets(name: string, value: unknown): unknown {
  return name === "paymentKey" ? "…" : value;
}

async function whyOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return "";
  const { code, violations = [] } = (await response.json()) as Schemas["Problem"];
  return ` ${code}${violations.map(({ field, description }) => ` ${field} ${description}`).join(",")}`;
}
