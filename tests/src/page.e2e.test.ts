// The shop's page in a real browser, on real servers and processes: buying, being refused, coming back, by keyboard alone.
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Clients } from "@quadrille/stack/clients";
import { accountOf, addFaults } from "@quadrille/stack/provider-control";
import type { BrowserContextOptions, Page } from "playwright-core";
import { openBrowser, type Visit } from "./browser.ts";
import { endOf, enrolMember, pay, place, stockVariant } from "./buying.ts";
import { faultsOf, tabTo } from "./page-checks.ts";
import { openSystem, type System } from "./system.ts";
import { until } from "./until.ts";

jest.setTimeout(60_000);
const pointsThere = 10_000;
const unitsThere = 100;

let system: System;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let ann: Clients;
let cat: Clients;
let url: string;

beforeAll(async () => {
  [browser, system] = await Promise.all([openBrowser(), openSystem()]);
  url = system.stack.gatewayUrl;
  await stockVariant(system.operator, "mug", { price: 4_800n, units: unitsThere });
  await stockVariant(system.operator, "lamp", { price: 12_000n, units: unitsThere });
  await enrolMember(system.operator, "ann", BigInt(pointsThere));
  ann = await system.as("ann");
  await enrolMember(system.operator, "cat", 0n);
  cat = await system.as("cat");
}, 600_000); // The browser may have to be installed first.
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

/** Looks at the steps each time they are drawn: a fault that the next look at the order heals is one all the same. */
const watchSteps = `new MutationObserver(() => {
  const shown = [...document.querySelectorAll("[data-number]")].map(({ dataset }) => Number(dataset.number));
  if (shown.some((number, at) => number !== at + 1)) console.error("steps lost or doubled: " + shown);
}).observe(document, { childList: true, subtree: true })`;

/** Comes in as Ann, by the address that `npm start` prints. */
async function visit(options?: BrowserContextOptions): Promise<Visit> {
  const visited = await browser.visit(options);
  await visited.page.addInitScript(watchSteps);
  await visited.page.goto(`${url}/#token=${ann.token}`);
  await visited.page.getByText(`Name of ann`).waitFor({ state: "attached" });
  return visited;
}

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
const title = (page: Page, name: string) => page.getByRole("heading", { level: 1, name, exact: true });
const orderIdOf = (page: Page) => new URL(page.url()).hash.split("/").at(-1) as string;

/** Follows a link in the same tab, as anybody could send one. */
const comeWith = (page: Page, token: string) => page.evaluate(`location.hash = "#token=${token}"`);

/** From the shelf to an order that can be paid. */
async function order(page: Page, { points = 0, product = "mug" } = {}): Promise<string> {
  await page.goto(`${url}/#/`);
  await button(page, `Add Title of ${product} to cart`).click();
  await page.getByRole("status").getByText("is in your cart").waitFor();
  await page.getByRole("link", { name: /^Cart/ }).click();
  await page.getByLabel("Points to use").fill(`${points}`);
  await page.keyboard.press("Tab");
  await button(page, /^Order for/).click();
  await button(page, /^Pay/).waitFor();
  return orderIdOf(page);
}

/** In the provider's window. */
async function inWindow(page: Page, decision: string): Promise<void> {
  await button(page, /^Pay/).click();
  await page.getByRole("heading", { name: "Pay by card" }).waitFor();
  await button(page, decision)
    .and(page.getByText(decision, { exact: true }))
    .click();
}

/** The number of every step that is shown as done. */
async function stepsShown(page: Page): Promise<number[]> {
  const items = await page.getByRole("list", { name: "Progress" }).locator("[data-number]").all();
  return await Promise.all(items.map(async (item) => Number(await item.getAttribute("data-number"))));
}

/** What the order's own service remembers; its numbers are what the page must show, each once. */
async function numbersOf(orderId: string): Promise<number[]> {
  const { order: found } = await ann.orders.getOrder({ orderId, memberId: "" });
  return found?.history.map(({ number }) => number) ?? [];
}

async function pointsOf(): Promise<{ available: bigint; held: bigint; spent: bigint } | undefined> {
  const { member } = await ann.members.getMember({ memberId: "" });
  return member?.points;
}

async function unitsOf(variantId: string): Promise<number | undefined> {
  const { variants } = await ann.products.batchGetVariants({ variantIds: [variantId] });
  return variants[0]?.available;
}

/** A no, and a connection that breaks, stand in the console as well, as the browser's own words. */
const besides = (faults: readonly string[], expected: RegExp) =>
  faults.filter((fault) => !expected.test(fault));

describe("a token", () => {
  test("in the address is taken out of it at once, and stays for this tab", async () => {
    await using visited = await visit();
    const { page } = visited;
    expect(page.url()).toBe(`${url}/`);
    await page.reload();
    await page.getByText("Name of ann").waitFor();
    await page.goBack();
    expect(page.url()).toBe("about:blank"); // The address with the token is not in the history.
    expect(visited.faults).toEqual([]);
  });

  test("is pasted; a wrong one is refused in words, and leaving forgets it", async () => {
    await using visited = await browser.visit();
    const { page, faults } = visited;
    await page.goto(url);
    expect(await faultsOf(page)).toEqual([]);
    await page.getByLabel("Your token").fill("nonsense");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Your token is not valid here").waitFor();
    await page.getByLabel("Your token").fill(ann.token);
    await page.keyboard.press("Enter");
    await page.getByText("Name of ann").waitFor();
    await button(page, "Sign out").click();
    await title(page, "Sign in").waitFor();
    expect(await page.evaluate("Object.keys(sessionStorage).length")).toBe(0);
    expect(besides(faults, /status of 401/)).toEqual([]);
  });
});

test("something is on the screen before the API has answered", async () => {
  await using visited = await browser.visit();
  const { page } = visited;
  await page.route("**/v1/**", () => {}); // Is never answered.
  await page.goto(`${url}/#token=${ann.token}`);
  await page.getByLabel("Search products").waitFor({ timeout: 5_000 });
  expect(await title(page, "Shop").isVisible()).toBe(true);
});

test("what is looked for is found, and what is not there is said so", async () => {
  await using visited = await visit();
  const { page } = visited;
  const titles = page.getByRole("list", { name: "Products" }).getByRole("heading");
  await page.getByLabel("Search products").fill("Title of lamp");
  await until(
    "only the lamp is left",
    () => titles.allTextContents(),
    (seen) => seen.join() === "Title of lamp",
  );
  await page.getByLabel("Search products").fill("unicorn");
  await page.getByRole("status").getByText("Nothing found for “unicorn”.").waitFor();
  expect(visited.faults).toEqual([]);
});

test("a purchase is seen through to its end, step by step", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  const [pointsBefore, unitsBefore] = [await pointsOf(), (await unitsOf("mug")) as number];
  await button(page, "Add Title of mug to cart").click();
  await page.getByRole("link", { name: "Cart 1 item" }).click();
  await button(page, "One Title of mug more").click();
  await page.getByRole("link", { name: "Cart 2 items" }).waitFor();
  await page.getByLabel("Points to use").fill("600");
  await page.keyboard.press("Tab");
  await button(page, "Order for ₩9,000").dblclick(); // Impatience orders nothing twice.
  await title(page, "Ready to pay").waitFor();
  const orderId = orderIdOf(page);
  expect(await stepsShown(page)).toEqual([1, 2, 3, 4]);
  await inWindow(page, "Pay");
  await title(page, "Confirmed").waitFor();
  expect(page.url()).toBe(`${url}/#/orders/${orderId}`);
  expect(await endOf(ann, orderId)).toBe("CONFIRMED");
  expect(await stepsShown(page)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(await numbersOf(orderId)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({ captured: 9_000, captures: 1 });
  expect(await unitsOf("mug")).toBe(unitsBefore - 2);
  expect((await pointsOf())?.available).toBe((pointsBefore?.available ?? 0n) - 600n);
  await page.getByText(`${(pointsThere - 600).toLocaleString("en")} points`).waitFor();

  await page.getByRole("navigation").getByRole("link", { name: "Orders" }).click();
  const orders = page.getByRole("list", { name: "Your orders" }).getByRole("listitem");
  await orders.first().waitFor();
  expect(await orders.allInnerTexts()).toEqual([
    expect.stringMatching(/Title of mug[\s\S]*₩9,000[\s\S]*Confirmed/),
  ]);
  expect(faults).toEqual([]);
});

describe("what is not paid comes back", () => {
  async function everything() {
    return { units: await unitsOf("mug"), points: await pointsOf() };
  }

  test("when the card is refused", async () => {
    const before = await everything();
    await using visited = await visit();
    const { page, faults } = visited;
    const orderId = await order(page, { points: 800 });
    expect(await everything()).not.toEqual(before);
    // The no comes before the page knows the order, and must not be lost for that.
    await page.route(/\/v1\/orders\/[^/]+$/, async (route) => {
      await pause(1_500);
      await route.continue();
    });
    await inWindow(page, "Pay with a card that will be refused");
    await title(page, "Cancelled, everything given back").waitFor();
    await page.getByRole("alert").getByText("The payment was declined.").waitFor();
    await page.getByText("Because the payment was declined.").waitFor();
    expect(await endOf(ann, orderId)).toBe("CANCELLED PAYMENT_DECLINED");
    expect(await stepsShown(page)).toEqual(await numbersOf(orderId));
    expect(await everything()).toEqual(before);
    expect(besides(faults, /status of 402/)).toEqual([]);
  });

  test("when the buyer declines in the window and cancels", async () => {
    const before = await everything();
    await using visited = await visit();
    const { page, faults } = visited;
    const orderId = await order(page, { points: 800 });
    await inWindow(page, "Decline");
    await page.getByRole("alert").getByText("Nothing was charged").waitFor();
    expect(await button(page, /^Pay/).isVisible()).toBe(true);
    await inWindow(page, "Cancel");
    await page.getByRole("alert").getByText("You left the payment window").waitFor();
    await button(page, "Cancel order").click();
    await button(page, "Keep it").click();
    await button(page, "Cancel order").click();
    await button(page, "Cancel it").click();
    await title(page, "Cancelled, everything given back").waitFor();
    expect(await endOf(ann, orderId)).toBe("CANCELLED BY_MEMBER");
    expect(await stepsShown(page)).toEqual(await numbersOf(orderId));
    expect(await everything()).toEqual(before);
    expect(faults).toEqual([]);
  });

  test("when a settled order is taken back", async () => {
    const before = await everything();
    await using visited = await visit();
    const { page, faults } = visited;
    const orderId = await order(page, { points: 800 });
    await inWindow(page, "Pay");
    await title(page, "Confirmed").waitFor();
    await button(page, "Cancel order").click();
    await button(page, "Cancel it").click();
    await title(page, "Cancelled, everything given back").waitFor();
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
      captured: 4_000,
      refunded: 4_000,
    });
    expect(await stepsShown(page)).toEqual(await numbersOf(orderId));
    expect(await everything()).toEqual(before);
    expect(faults).toEqual([]);
  });
});

describe("in the middle", () => {
  test("a reload while the payment is confirmed pays once, and goes on after the last step", async () => {
    await using visited = await visit();
    const { page, faults, requests } = visited;
    const orderId = await order(page, { points: 100 });
    await using _slow = await addFaults(system.stack.providerUrl, [
      { fault: "delay_answer", orderId, ms: 4_500 },
    ]);
    await inWindow(page, "Pay");
    await title(page, "Confirming your payment").waitFor();
    await page.reload();
    await title(page, "Confirming your payment").waitFor();
    await page.reload();
    await title(page, "Confirmed").waitFor();
    expect(await stepsShown(page)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({
      captured: 4_700,
      captures: 1,
    });

    const confirming = requests.filter((one) => one.url().endsWith(`/${orderId}/payment/confirm`));
    const keys = await Promise.all(confirming.map((one) => one.headerValue("idempotency-key")));
    expect(confirming.length).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(1);
    const watching = requests.filter((one) => one.url().endsWith(`/${orderId}/events`));
    const resumed = await Promise.all(watching.map((one) => one.headerValue("last-event-id")));
    expect(resumed.at(-1)).toBe("4");
    expect(besides(faults, /ERR_ABORTED/)).toEqual([]);
  });

  test("a gateway that dies is noticed, and what happened meanwhile is told when it is back", async () => {
    await using visited = await visit();
    const { page, faults } = visited;
    const orderId = await order(page, { points: 100 });
    await system.stack.kill("gateway");
    await page.getByText("The connection is lost").waitFor();
    await pay(system, ann, { orderId, amountDue: 4_700n } as Parameters<typeof pay>[2]);
    await system.stack.restart("gateway");
    await title(page, "Confirmed").waitFor();
    expect(await page.getByText("The connection is lost").isVisible()).toBe(false);
    expect(await stepsShown(page)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(besides(faults, /net::ERR_/)).toEqual([]);
  });
});

test("a payment in doubt is followed until it is known, and not offered again", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  const orderId = await order(page);
  const inDoubt = await addFaults(system.stack.providerUrl, [
    { fault: "reset_after_effect", on: ["confirm"], orderId },
    { fault: "server_error_before_effect", on: ["query"], orderId, times: 1_000 },
  ]);
  await inWindow(page, "Pay");
  for (const look of ["at once", "after a reload"]) {
    if (look === "after a reload") await page.reload();
    await title(page, "Checking your payment").waitFor();
    await page.getByText("There is nothing you need to do").waitFor();
    await page.waitForTimeout(500); // Nothing that is drawn later takes it back.
    expect([look, await title(page, "Checking your payment").isVisible()]).toEqual([look, true]);
    expect([look, await button(page, /^Pay/).count()]).toEqual([look, 0]);
    expect(await faultsOf(page)).toEqual([]);
  }
  await inDoubt[Symbol.asyncDispose]();
  await title(page, "Confirmed").waitFor();
  expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({ captured: 4_800, captures: 1 });
  expect(faults).toEqual([]);
});

test("a payment that is begun is lost neither over another one nor over another member", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  const first = await order(page);
  const second = await order(page);
  const confirming = `**/${first}/payment/confirm`;
  await page.route(confirming, (route) => route.abort());
  await page.goto(`${url}/#/orders/${first}`);
  await title(page, "Ready to pay").waitFor();
  await inWindow(page, "Pay");
  await title(page, "Confirming your payment").waitFor();
  await page.goto(`${url}/#/orders/${second}`);
  await inWindow(page, "Pay");
  await title(page, "Confirmed").waitFor();
  await comeWith(page, cat.token);
  await page.getByText("The payment you began waits until you are back.").waitFor();
  await button(page, "Continue").click();
  await page.getByText("Name of cat").waitFor();
  await page.unroute(confirming);
  await page.waitForTimeout(3_000); // Nobody confirms it in the name of another.
  await comeWith(page, ann.token);
  await button(page, "Continue").click();
  expect([await endOf(ann, first), await endOf(ann, second)]).toEqual(["CONFIRMED", "CONFIRMED"]);
  expect(besides(faults, /net::ERR_FAILED/)).toEqual([]);
});

describe("an address that", () => {
  const notOpenedHere = "a payment window that was not opened here";

  test("the window wrote before it was paid does not say that it is not", async () => {
    await using visited = await visit();
    const { page, faults } = visited;
    const orderId = await order(page);
    await button(page, /^Pay/).click();
    await page.getByRole("heading", { name: "Pay by card" }).waitFor();
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(`${url}/#token=${ann.token}`);
    await elsewhere.getByText("Name of ann").waitFor({ state: "attached" });
    await elsewhere.goto(`${url}/#/orders/${orderId}`);
    await inWindow(elsewhere, "Pay");
    await title(elsewhere, "Confirmed").waitFor();
    await button(page, "Cancel").click();
    await title(page, "Confirmed").waitFor();
    expect(await page.getByText("Nothing was charged").count()).toBe(0);
    await page.goBack();
    await page.getByRole("heading", { name: "Pay by card" }).waitFor();
    await button(page, "Pay")
      .and(page.getByText("Pay", { exact: true }))
      .click();
    await page.getByRole("alert").getByText("You were not charged again.").waitFor();
    expect(await title(page, "Confirmed").isVisible()).toBe(true);
    expect(await accountOf(system.stack.providerUrl, orderId)).toMatchObject({ captures: 1 });
    expect(besides(faults, /status of 409/)).toEqual([]);
  });

  test("somebody else wrote neither pays nor says anything of an order", async () => {
    await using visited = await visit();
    const { page, faults, requests } = visited;
    const orderId = await order(page);
    for (const query of [
      `paymentKey=junk&orderId=${orderId}&amount=4800`,
      `paymentKey=junk&orderId=${orderId}&amount=4800&returned=guessed`,
      `unpaid=${orderId}&code=x`,
    ]) {
      await page.goto(`${url}/?${query}`);
      await page.getByRole("alert").getByText(notOpenedHere).waitFor();
      expect(page.url()).toBe(`${url}/`);
      expect(await faultsOf(page)).toEqual([]);
    }
    await page.goto(`${url}/#/orders/${orderId}`);
    await title(page, "Ready to pay").waitFor();
    expect(requests.filter((one) => one.url().endsWith("/payment/confirm"))).toEqual([]);
    await inWindow(page, "Pay");
    await title(page, "Confirmed").waitFor();
    expect(faults).toEqual([]);
  });

  test("is for another member asks first; one without a token changes nothing", async () => {
    await using visited = await visit();
    const { page, faults } = visited;
    await comeWith(page, "");
    await page.reload();
    await page.getByText("Name of ann").waitFor();
    await comeWith(page, cat.token);
    await page.getByRole("heading", { name: "Continue as member cat?" }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await button(page, "Stay member ann").click();
    await page.reload();
    await page.getByText("Name of ann").waitFor();
    await comeWith(page, cat.token);
    await button(page, "Continue").click();
    await page.getByText("Name of cat").waitFor();
    expect(page.url()).toBe(`${url}/`);
    expect(faults).toEqual([]);
  });
});

test("a price that changed meanwhile is refused in words, and shown", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  await button(page, "Add Title of lamp to cart").click();
  await page.getByRole("link", { name: "Cart 1 item" }).click();
  await button(page, "Order for ₩12,000").waitFor();
  const change = { requestId: crypto.randomUUID(), variantId: "lamp", price: 13_000n };
  await system.operator.products.updateVariant({ ...change, title: undefined, onSale: undefined });
  await button(page, "Order for ₩12,000").click();
  await page.getByRole("alert").getByText("The amount due is not the one expected").waitFor();
  await button(page, "Order for ₩13,000").waitFor();
  await button(page, "Remove Title of lamp").click();
  await page.getByText("Your cart is empty.").waitFor();
  expect(besides(faults, /status of 412/)).toEqual([]);
});

test("a field at fault is named", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  await page.evaluate(`document.getElementById("query").removeAttribute("maxlength")`);
  await page.getByLabel("Search products").fill("x".repeat(101));
  await page
    .getByRole("alert")
    .getByText(/^query /)
    .waitFor();
  expect(besides(faults, /status of 400/)).toEqual([]);
});

test("the keyboard alone buys", async () => {
  await using visited = await visit();
  const { page, faults } = visited;
  const press = async (name: RegExp) => {
    await tabTo(page, name);
    await page.keyboard.press("Enter");
  };
  await press(/^Skip to the content$/);
  await tabTo(page, /^Search products$/);
  await page.keyboard.type("Title of mug");
  await until(
    "only the mug is left",
    () => page.getByRole("list", { name: "Products" }).getByRole("heading").allTextContents(),
    (seen) => seen.join() === "Title of mug",
  );
  await press(/^Add Title of mug to cart$/);
  await page.getByRole("link", { name: "Cart 1 item" }).waitFor();
  await page.reload(); // From the top of the page again.
  await press(/^Cart/);
  await tabTo(page, /^Quantity of Title of mug$/);
  await page.keyboard.press("ArrowUp");
  await tabTo(page, /^Points to use$/);
  await page.keyboard.type("50");
  await button(page, "Order for ₩9,600").waitFor();
  await press(/^Order for/);
  await button(page, /^Pay/).waitFor();
  await press(/^Pay/);
  await page.getByRole("heading", { name: "Pay by card" }).waitFor();
  await press(/^Pay$/);
  await title(page, "Confirmed").waitFor();
  expect(await endOf(ann, orderIdOf(page))).toBe("CONFIRMED");
  expect(faults).toEqual([]);
});

const screens: Readonly<Record<string, BrowserContextOptions>> = {
  "a wide screen": {},
  "a narrow screen": { viewport: { width: 360, height: 740 } },
  "a dark screen": { colorScheme: "dark" },
  "a dark, narrow screen without motion": {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    reducedMotion: "reduce",
  },
};

test.each(Object.keys(screens))("every view can be read, named and reached on %s", async (name) => {
  await using visited = await visit(screens[name]);
  const { page } = visited;
  const judged: Record<string, readonly string[]> = {};
  const look = async (view: string) => {
    judged[view] = await faultsOf(page);
  };
  await button(page, "Add Title of mug to cart").click();
  await page.getByRole("status").getByText("is in your cart").waitFor();
  await look("shop");
  await page.getByRole("link", { name: /^Cart/ }).click();
  await button(page, /^Order for/).waitFor();
  await look("cart");
  await button(page, /^Order for/).click();
  await button(page, /^Pay/).waitFor();
  await look("order");
  await button(page, "Cancel order").click();
  await look("dialog");
  await button(page, "Cancel it").click();
  await title(page, "Cancelled, everything given back").waitFor();
  await look("cancelled");
  await page.getByRole("navigation").getByRole("link", { name: "Orders" }).click();
  await page.getByRole("list", { name: "Your orders" }).getByRole("listitem").first().waitFor();
  await look("orders");
  expect(judged).toEqual({ shop: [], cart: [], order: [], dialog: [], cancelled: [], orders: [] });
  if (screens[name]?.reducedMotion === "reduce")
    expect(
      await page.evaluate(
        "document.getAnimations().filter(({ animationName }) => animationName !== 'said').length",
      ),
    ).toBe(0);
  expect(visited.faults).toEqual([]);
});

test("an order of another member is not shown, in the same words as one that is not there", async () => {
  await enrolMember(system.operator, "bob", 0n);
  const bob = await system.as("bob");
  const theirs = await place(bob, { lines: { mug: 1 }, due: 4_800n });
  await using visited = await visit();
  const { page, faults } = visited;
  for (const id of [theirs.orderId, crypto.randomUUID()]) {
    await page.goto(`${url}/#/orders/${id}`);
    await page.getByRole("alert").getByText("There is no such order.").waitFor();
    await page.goto(`${url}/#/cart`);
    await title(page, "Cart").waitFor();
  }
  expect(besides(faults, /status of 404/)).toEqual([]);
});
