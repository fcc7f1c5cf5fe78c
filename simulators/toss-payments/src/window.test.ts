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
  test("is a plain page with three buttons", async () => {
    await using toss = await testSimulator();
    const reply = await toss.ask(page({ orderName: `<i>"Shirts" & 'socks'</i>` }));
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(reply.text).toContain('<html lang="en">');
    expect(reply.text).toContain("₩15,000");
    expect(reply.text).not.toContain("<i>");
    expect(
      [...reply.text.matchAll(/<button name="decision" value="\w+">([^<]+)/g)].map((found) => found[1]),
    ).toEqual(["Pay", "Pay with a card that will be refused", "Decline"]);
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
