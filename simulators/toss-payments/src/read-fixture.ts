// read-fixture.ts: a documented example of the provider, as this simulator is compared with it.
import { readFileSync } from "node:fs";

type Name = "payment-canceled" | "transaction" | "errors" | "webhook";

export function readFixture<Example>(name: Name): Example {
  const url = new URL(`./fixtures/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { example: Example }).example;
}
