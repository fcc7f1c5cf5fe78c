import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { freePorts } from "@quadrille/embedded/free-port";
import { choosePorts, type Ports } from "./ports.ts";

const all = ({ services, gateway, provider }: Ports) => [
  ...Object.values(services).flat(),
  ...gateway,
  provider,
];

describe("ports", () => {
  test("are free ones for a test, none of them twice; the servers take their own", async () => {
    const ports = await choosePorts(undefined, 3);
    expect(all(ports)).toHaveLength(16);
    expect(new Set(all(ports)).size).toBe(16);
    expect([ports.nats, ports.postgres]).toEqual([undefined, undefined]);
  });

  test("are a fixed row for a person, a further replica a hundred higher", async () => {
    const [base = 0] = await freePorts(1);
    const ports = await choosePorts(base, 2);
    expect(ports).toEqual({
      services: {
        order: [base + 1, base + 101],
        product: [base + 2, base + 102],
        member: [base + 3, base + 103],
        payment: [base + 4, base + 104],
      },
      gateway: [base, base + 100],
      provider: base + 5,
      nats: base + 22,
      postgres: base + 32,
    });
  });

  test("that are taken are named, with what they are for", async () => {
    const [base = 0] = await freePorts(1);
    for (const [place, what] of [
      [0, "the gateway"],
      [3, "the member service"],
      [5, "the payment provider's simulator"],
    ] as const) {
      await using server = createServer();
      server.listen(base + place, "127.0.0.1");
      await once(server, "listening");
      await expect(choosePorts(base, 1)).rejects.toThrow(
        `Port ${base + place} on 127.0.0.1, wanted for ${what}`,
      );
    }
  });
});
