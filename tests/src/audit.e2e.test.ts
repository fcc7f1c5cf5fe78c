// The auditor itself: quiet about orders of every kind, at rest and under load, and loud about each thing that is spoilt.
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { services } from "@quadrille/contracts/events";
import { connectAs } from "@quadrille/stack/clients";
import { addFaults, clearFaults } from "@quadrille/stack/provider-control";
import { payInWindow } from "@quadrille/stack/provider-window";
import { untilAtRest } from "./at-rest.ts";
import { audit, findings } from "./audit.ts";
import { auditCommand } from "./auditing.ts";
import { confirmPatiently, endOf, place } from "./buying.ts";
import { type Ending, ends, makeEveryEnd } from "./every-end.ts";
import { habits, shop } from "./shopper.ts";
import { chargeBehindOurBack, refundBehindOurBack, spoil } from "./spoiling.ts";
import { spoilings, spoilingsOfTheRunning } from "./spoilings.ts";
import { openSystem, type System } from "./system.ts";

jest.setTimeout(120_000);
let system: System;
let made: Readonly<Record<Ending, string>>;

beforeAll(async () => {
  // What is spoilt as unpublished must stay so for a while.
  system = await openSystem({ env: { TOSS_TIMEOUT: "1s", RELAY_SWEEP: "10m" } });
  made = await makeEveryEnd(system);
});
afterAll(async () => await system?.[Symbol.asyncDispose]());

const command = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  auditCommand({ addresses: system.stack.addresses, dataDir: system.folder }, args, env);

test("orders that ended in every way break no law", async () => {
  expect(await audit(system, { accepted: new Set(Object.values(made)) })).toEqual([]);
  const { ended, text } = await command(["--at-rest"]);
  expect(text).toMatch(/^law {2}what must hold .* findings\n(I\d+ .* \d+ [a-z, ]+ok\n?){12}$/);
  expect(text).toMatch(new RegExp(`^I1 .* ${Object.keys(ends).length + 2} orders +ok$`, "m"));
  expect(ended).toBe("exit code 0");
});

test("only operators may read the books", async () => {
  const others = [await system.as("ann"), await connectAs(system.stack, "service", "order")];
  for (const { ops } of others)
    for (const service of services) {
      const read = async () => {
        for await (const page of ops[service].readBooks({})) return page;
        return "nothing";
      };
      await expect(read()).rejects.toMatchObject({ code: "FORBIDDEN" });
    }
  await others[1]?.[Symbol.asyncDispose]();
});

test("an order in doubt breaks no law while the system runs, and the one that it is not at rest", async () => {
  const ann = await system.as("ann");
  const { orderId, amountDue: amount } = await place(ann, { lines: { lamp: 1 }, points: 10n, due: 990n });
  const { providerUrl } = system.stack;
  const { paymentKey } = await payInWindow(providerUrl, orderId, amount);
  await addFaults(providerUrl, [
    { fault: "timeout_after_effect", on: ["confirm"], orderId },
    { fault: "server_error_before_effect", on: ["query"], orderId, times: 1_000 },
  ]);
  await confirmPatiently(ann, { orderId, amount, paymentKey });
  await untilAtRest(system);
  expect(await findings(system)).toEqual([]);
  expect(await findings(system, { atRest: true })).toEqual([
    expect.stringContaining(`I1: order ${orderId} has not ended: payable`),
    `I12: payment ${orderId} is still unknown`,
    `I16: payment ${orderId} is unknown with 0 captured, the provider took 990`,
  ]);
  await clearFaults(providerUrl);
  expect(await endOf(ann, orderId)).toBe("CONFIRMED");
  expect(await audit(system)).toEqual([]);
});

test("while orders come and go nothing is found that is not so", async () => {
  const until = Date.now() + 15_000;
  const buy = async (_: unknown, index: number) => {
    const buyer = await system.as("ann");
    let bought = 0;
    for (; Date.now() < until; bought += 1) {
      const habit = habits[(index + bought) % habits.length] ?? "pays";
      const wish = { lines: { lamp: 1 }, points: 5n, due: 995n, payWithinSeconds: 2 };
      await shop(system, buyer, { wish, habit, patienceMs: 60_000 });
    }
    return bought;
  };
  const buying = Promise.all(Array.from({ length: 12 }, buy));
  const found: string[] = [];
  let audits = 0;
  for (; Date.now() < until; audits += 1) {
    found.push(...(await findings(system)));
    await pause(200);
  }
  const bought = (await buying).reduce((sum, each) => sum + each, 0);
  console.info(`${audits} audits while ${bought} orders lived`);
  expect(found).toEqual([]);
  expect(audits).toBeGreaterThan(2);
  expect(await audit(system)).toEqual([]);
});

describe("what is spoilt is found", () => {
  test.each(spoilings)("%s: in %s, %s", async (_, service, table, sql, ending, ...expected) => {
    const orderId = made[ending];
    const accepted = new Set(Object.values(made));
    {
      await using _spoilt = await spoil(system, service, table, sql.replaceAll("$1", `'${orderId}'`));
      const found = await findings(system, { atRest: true, accepted });
      for (const sentence of expected)
        expect(found).toContainEqual(expect.stringContaining(sentence.replace("ORDER", orderId)));
    }
    expect(await findings(system, { atRest: true, accepted })).toEqual([]);
  });

  test.each(spoilingsOfTheRunning)(
    "while it runs: %s: in %s, %s",
    async (_, service, table, sql, ending, ...expected) => {
      const orderId = made[ending];
      const quick = { graceMs: 1_000 }; // What is waited for is waited for in seconds here.
      {
        await using _spoilt = await spoil(system, service, table, sql.replaceAll("$1", `'${orderId}'`));
        expect(await findings(system, quick)).toEqual(
          expected.map((sentence) => sentence.replace("ORDER", orderId)),
        );
      }
      expect(await findings(system, quick)).toEqual([]);
    },
  );

  test("and the command says so and ends with 1, at rest and while everything runs", async () => {
    const orderId = made.paid;
    await using _spoilt = await spoil(
      system,
      "product",
      "holds",
      `update holds set status = 'released' where order_id = '${orderId}'`,
    );
    const sentence = `I6: order ${orderId} is confirmed, its stock is released`;
    for (const args of [["--at-rest"], []]) {
      const { ended, text } = await command(args);
      expect(text).toContain(sentence);
      expect(text).toMatch(/^I6 .* 1 FOUND$/m);
      expect(ended).toBe("exit code 1");
    }
    const { ended, text } = await command(["--json"]);
    const { laws, breaches } = JSON.parse(text);
    expect(breaches).toBeGreaterThan(0);
    expect(laws).toContainEqual(
      expect.objectContaining({ law: "I6", findings: [expect.objectContaining({ about: orderId })] }),
    );
    expect(ended).toBe("exit code 1");
  });

  test("what cannot be read, or is asked wrongly, is neither right nor wrong", async () => {
    const unread = await command([], { MEMBER_ADDRESS: "127.0.0.1:1" });
    expect(unread).toEqual({
      ended: "exit code 2",
      text: expect.stringContaining("the books of member could not be read"),
    });
    await addFaults(system.stack.providerUrl, [{ fault: "refuse", on: ["list"] }]);
    const silent = await command([]);
    expect(silent).toEqual({ ended: "exit code 2", text: expect.stringContaining("PROVIDER_UNAVAILABLE") });
    await clearFaults(system.stack.providerUrl);
    expect(await command(["--everything"])).toMatchObject({ ended: "exit code 2" });
  });

  // The provider's ledger cannot be put back, so these come last.
  test("money taken for nobody, and money given back that nobody wanted back", async () => {
    await chargeBehindOurBack(system, "order-of-nobody", 500n);
    expect(await findings(system, { atRest: true })).toEqual([
      "I16: the provider took 500 for order-of-nobody, which is no payment",
    ]);
    await refundBehindOurBack(system, made.paid, 900n);
    const found = await findings(system, { atRest: true });
    expect(found).toContain(
      `I16: payment ${made.paid} is approved with 0 refunded, the provider gave back 900`,
    );
    expect(found).toContain(`I5: order ${made.paid} is confirmed, so 1900 is due; the provider keeps 1000`);
  });
});
