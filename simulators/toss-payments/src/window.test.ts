import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { json, type TestSimulator, testSimulator } from "./test-simulator.ts";

const shop = "https://shop.test/paid?cart=1";
const failed = "https://shop.test/failed";
const page = (more: Record<string, string> = {}) =>
  `/window?${new URLSearchParams({ orderId: "order-1", amount: "15000", successUrl: shop, failUrl: failed, ...more })}`;

const hidden = (html: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? "";

/** Presses a button as a browser would: what the page hides goes along. */
async function press(toss: TestSimulator, html: string, decision: string): Promise<URL> {
  const fields = { paymentKey: hidden(html, "paymentKey"), successUrl: shop, failUrl: failed, decision };
  const reply = await toss.ask("/window/decision", {
    body: `${new URLSearchParams(fields)}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(reply.status).toBe(303);
  return new URL(reply.headers.get("location") ?? "");
}

/** A shop that listens, and a browser that reads only what the page says: its form, its fields, its redirect. */
async function shopWindow(toss: TestSimulator) {
  const visits: URL[] = [];
  const server = createServer((request, response) => {
    visits.push(new URL(request.url ?? "", "http://shop"));
    response.end("thank you");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    async choose(orderId: string, decision: string) {
      const urls = { successUrl: `${address}/paid`, failUrl: `${address}/failed` };
      const opened = await fetch(
        `${toss.address}/window?${new URLSearchParams({ orderId, amount: "15000", ...urls })}`,
      );
      const html = await opened.text();
      const [, method = "", action = ""] = /<form method="(\w+)" action="([^"]+)">/.exec(html) ?? [];
      const fields = new URLSearchParams();
      for (const [, name = "", value = ""] of html.matchAll(
        /<input type="hidden" name="(\w+)" value="([^"]*)">/g,
      ))
        fields.append(
          name,
          value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)),
        );
      const button = new RegExp(`<button name="(\\w+)" value="${decision}">`).exec(html);
      fields.append(button?.[1] ?? "", decision);
      const shown = await fetch(new URL(action, opened.url), { method, body: fields }); // Follows the redirect.
      expect(await shown.text()).toBe("thank you");
      const visit = visits.at(-1) as URL;
      const parameters = Object.fromEntries(visit.searchParams);
      const { paymentKey } = parameters;
      const confirmed = paymentKey && json(await toss.confirm(paymentKey, orderId));
      return {
        path: visit.pathname,
        parameters,
        confirmed: confirmed && (confirmed.code ?? confirmed.status),
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("the payment window for a program", () => {
  test("hands out a key of an authenticated payment", async () => {
    await using toss = await testSimulator();
    const reply = await toss.ask("/window", { body: { orderId: "order-1", amount: 15_000 } });
    expect([reply.status, json(reply)]).toEqual([
      201,
      {
        paymentKey: expect.stringMatching(/^tsim[0-9a-f]{32}$/),
        orderId: "order-1",
        amount: 15_000,
        status: "IN_PROGRESS",
      },
    ]);
  });

  test("leaves it unauthenticated when told so", async () => {
    await using toss = await testSimulator();
    const paymentKey = await toss.open("order-1", 15_000, { authenticated: false });
    expect((await toss.query(paymentKey)).status).toBe("READY");
    expect(json(await toss.confirm(paymentKey, "order-1")).code).toBe("NOT_FOUND_PAYMENT_SESSION");
  });

  test("opens many at once, and says which kind of wish is wrong", async () => {
    await using toss = await testSimulator();
    const wishes = [1, 2, 3].map((n) => ({
      orderId: `order-${n}`,
      amount: 1_000 * n,
      customerKey: "c",
      orderName: "n",
    }));
    const opened = json(await toss.ask("/window", { body: wishes }));
    expect(opened.map((one: { amount: number }) => one.amount)).toEqual([1_000, 2_000, 3_000]);
    const wrong = [
      [{ amount: 1_000 }, "INVALID_ORDER_ID"],
      [{ orderId: "short", amount: 1_000 }, "INVALID_ORDER_ID"],
      [{ orderId: "order-9", amount: 1.5 }, "INVALID_REQUEST"],
      [{ orderId: "order-9", amount: 99 }, "BELOW_MINIMUM_AMOUNT"],
      [{ orderId: "order-9", amount: 1_000, customerKey: 7 }, "INVALID_REQUEST"],
      [{ orderId: "order-9", amount: 1_000, declineWith: "no" }, "INVALID_REQUEST"],
      [[], "INVALID_REQUEST"],
      [[null], "INVALID_ORDER_ID"],
    ] as const;
    for (const [body, code] of wrong) expect(json(await toss.ask("/window", { body })).code).toBe(code);
  });

  test("says so when the simulator is full, and makes room by forgetting expired sessions", async () => {
    let at = 0;
    await using toss = await testSimulator({ now: () => at, env: { MAX_PAYMENTS: "2", SESSION_MS: "100" } });
    const paid = await toss.open("order-1");
    await toss.confirm(paid, "order-1");
    await toss.open("order-2");
    const full = await toss.ask("/window", { body: { orderId: "order-3", amount: 15_000 } });
    expect([full.status, json(full).code]).toEqual([503, "SIMULATOR_FULL"]);
    at = 100;
    expect(await toss.open("order-3")).toMatch(/^tsim/);
    expect((await toss.ask("/v1/payments/orders/order-2")).status).toBe(404);
    expect((await toss.query(paid)).status).toBe("DONE");
  });
});

describe("the payment window for a person", () => {
  test("is a plain page with four buttons", async () => {
    await using toss = await testSimulator();
    const reply = await toss.ask(page({ orderName: `<i>"Shirts" & 'socks'</i>` }));
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(reply.text).toContain('<html lang="en">');
    expect(reply.text).toContain("₩15,000");
    expect(reply.text).not.toContain("<i>");
    expect(
      [...reply.text.matchAll(/<button name="decision" value="\w+">([^<]+)/g)].map((found) => found[1]),
    ).toEqual(["Pay", "Pay with a card that will be refused", "Decline", "Cancel"]);
    expect((await toss.query(hidden(reply.text, "paymentKey"))).status).toBe("READY");
  });

  test("pays: the shop is told paymentKey, orderId, amount, and may confirm", async () => {
    await using toss = await testSimulator();
    const back = await press(toss, (await toss.ask(page())).text, "pay");
    expect(`${back.origin}${back.pathname}`).toBe("https://shop.test/paid");
    const { paymentKey = "", ...rest } = Object.fromEntries(back.searchParams);
    expect(rest).toEqual({ cart: "1", orderId: "order-1", amount: "15000" });
    expect(json(await toss.confirm(paymentKey, "order-1")).status).toBe("DONE");
  });

  test("pays with a refused card: the confirmation is declined", async () => {
    await using toss = await testSimulator();
    const back = await press(toss, (await toss.ask(page())).text, "pay_refused");
    const declined = await toss.confirm(back.searchParams.get("paymentKey") ?? "", "order-1");
    expect([declined.status, json(declined).code]).toEqual([403, "REJECT_CARD_PAYMENT"]);
  });

  test("declines: the shop is told code, message, orderId", async () => {
    await using toss = await testSimulator();
    const back = await press(toss, (await toss.ask(page())).text, "decline");
    expect(`${back.origin}${back.pathname}`).toBe(failed);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      code: "REJECT_CARD_COMPANY",
      message: expect.stringMatching(/refused/),
      orderId: "order-1",
    });
  });

  test("is left: the shop is told that, without the order, and the same page may still pay", async () => {
    await using toss = await testSimulator();
    const { text } = await toss.ask(page());
    const back = await press(toss, text, "cancel");
    expect(`${back.origin}${back.pathname}`).toBe(failed);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      code: "PAY_PROCESS_CANCELED",
      message: expect.stringMatching(/left/),
    });
    expect((await press(toss, text, "pay")).searchParams.get("orderId")).toBe("order-1");
  });

  test("leads a browser from the shop and back to it, whatever is chosen", async () => {
    await using toss = await testSimulator();
    await using browsed = await shopWindow(toss);
    expect(await browsed.choose("order-1", "pay")).toMatchObject({
      path: "/paid",
      parameters: { orderId: "order-1", amount: "15000", paymentKey: expect.stringMatching(/^tsim/) },
      confirmed: "DONE",
    });
    expect(await browsed.choose("order-2", "pay_refused")).toMatchObject({
      path: "/paid",
      confirmed: "REJECT_CARD_PAYMENT",
    });
    expect(await browsed.choose("order-3", "decline")).toMatchObject({
      path: "/failed",
      parameters: { code: "REJECT_CARD_COMPANY", orderId: "order-3" },
    });
    expect(await browsed.choose("order-4", "cancel")).toMatchObject({
      path: "/failed",
      parameters: { code: "PAY_PROCESS_CANCELED" },
    });
  });

  test("pressed twice ends at the shop's failure page", async () => {
    await using toss = await testSimulator();
    const { text } = await toss.ask(page());
    await press(toss, text, "pay");
    expect((await press(toss, text, "pay")).searchParams.get("code")).toBe("NOT_FOUND_PAYMENT_SESSION");
  });

  test("goes nowhere but to a web address", async () => {
    await using toss = await testSimulator();
    for (const failUrl of ["javascript:alert(1)", ""]) {
      expect((await toss.ask(page({ failUrl }))).status).toBe(400);
    }
    expect(json(await toss.ask(page({ amount: "much" }))).code).toBe("INVALID_REQUEST");
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const nowhere = await toss.ask("/window/decision", { body: "decision=pay", headers: form });
    expect(json(nowhere).code).toBe("INVALID_REQUEST");
    const unknown = `${new URLSearchParams({ paymentKey: "none", successUrl: shop, failUrl: failed })}`;
    expect((await toss.ask("/window/decision", { body: unknown, headers: form })).status).toBe(404);
  });
});
