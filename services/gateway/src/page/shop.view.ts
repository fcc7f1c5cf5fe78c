// The catalogue: looking for products and putting them into the cart.

import type { Schemas } from "@quadrille/client";
import { pause } from "@quadrille/client/pause";
import { answerOf, GET, POST } from "./api.ts";
import { button, h } from "./dom.ts";
import { newKey, withKey } from "./memory.ts";
import { pattern } from "./pattern.ts";
import { attempt, heading, refreshCart, type Stage, say } from "./shell.ts";
import { inDigits, inMoney } from "./words.ts";

const pageSize = 24;
const typingPauseMs = 200;
const fewUnits = 10;
/** Kept while the page lives, so that coming back from the cart finds the same shelf. */
let query = "";

export function showShop({ main, signal }: Stage): void {
  const list = h("ul", { class: "products", "aria-label": "Products" });
  const foot = h("div", { class: "foot" });
  const problem = h("div", { class: "problems" });
  const found = h("div", { class: "found", role: "status" });
  const input = h("input", {
    id: "query",
    type: "search",
    value: query,
    maxlength: 100,
    autocomplete: "off",
    placeholder: "Oak chair, lamp, sku-0042",
  });
  let search = new AbortController();

  const append = async (pageToken?: string): Promise<readonly HTMLElement[]> => {
    const asked = { ...(query !== "" && { query }), pageSize, ...(pageToken !== undefined && { pageToken }) };
    const stop = AbortSignal.any([signal, search.signal]);
    const page = await answerOf(GET("/v1/products", { params: { query: asked }, signal: stop }));
    if (pageToken === undefined) list.replaceChildren();
    const cards = page.products.map(card);
    list.append(...cards);
    foot.replaceChildren();
    const { nextPageToken } = page;
    if (nextPageToken !== undefined) foot.append(button("Show more", {}, () => more(nextPageToken)));
    return cards;
  };
  const more = (pageToken: string): Promise<void> =>
    attempt(
      foot,
      async () => {
        const [first] = await append(pageToken);
        first?.querySelector("button")?.focus(); // The button that had the keyboard is gone.
      },
      () => more(pageToken),
    );
  const load = (): Promise<void> =>
    attempt(
      problem,
      async () => {
        found.replaceChildren();
        // What is shown until then is no answer to what is looked for now.
        const [first] = await append().catch(emptied);
        if (first === undefined) found.append(h("p", { class: "empty" }, nothingFor(query)));
        list.ariaBusy = "false";
      },
      load,
    );
  const emptied = (error: unknown): never => {
    const isOvertaken = error instanceof DOMException;
    if (!isOvertaken) for (const place of [list, foot, found]) place.replaceChildren();
    throw error;
  };
  const look = async (waitMs: number): Promise<void> => {
    search.abort();
    search = new AbortController();
    const { signal: mine } = search;
    await pause(waitMs, mine).catch(() => {}); // Somebody typed on, as the next line sees.
    if (mine.aborted || signal.aborted) return;
    query = input.value.trim();
    await load();
  };
  input.addEventListener("input", () => look(typingPauseMs));
  const submit = (event: Event): Promise<void> => {
    event.preventDefault();
    return look(0);
  };
  const form = h(
    "form",
    { class: "search", role: "search", submit },
    h("label", { for: "query" }, "Search products"),
    input,
  );
  list.ariaBusy = "true";
  list.append(...Array.from({ length: 8 }, placeholder));
  main.replaceChildren(h("div", { class: "top" }, heading("Shop"), form), problem, found, list, foot);
  void load();
}

const nothingFor = (wanted: string): string =>
  wanted === "" ? "The shelf is empty." : `Nothing found for “${wanted}”.`;

function card(product: Schemas["Product"]): HTMLLIElement {
  const { id, title, price, available, onSale } = product;
  const isThere = onSale && available > 0;
  const notice = h("div", { class: "notice" });
  let key = newKey(); // The same until it is answered: asked again after a lost answer, it is added once.
  const add = button(
    "Add to cart",
    { "aria-label": `Add ${title} to cart`, "aria-disabled": isThere ? undefined : "true" },
    () =>
      attempt(notice, async () => {
        const body = { productId: id, quantity: 1 };
        await answerOf(POST("/v1/cart/lines", { headers: withKey(key), body }));
        key = newKey();
        say(`${title} is in your cart.`);
        await refreshCart();
      }),
  );
  return h(
    "li",
    { class: "product", "data-product": id },
    pattern(id) as unknown as HTMLElement,
    h("h2", {}, title),
    h("p", { class: "price" }, inMoney(price)),
    h("p", { class: "stock" }, stockOf(product)),
    isThere ? add : undefined,
    notice,
  );
}

function stockOf({ onSale, available }: Schemas["Product"]): string {
  if (!onSale) return "Not on sale";
  if (available === 0) return "Sold out";
  return available <= fewUnits ? `Only ${inDigits(available)} left` : "In stock";
}

const placeholder = () =>
  h("li", { class: "product blank", "aria-hidden": "true" }, h("div", { class: "pattern" }));
