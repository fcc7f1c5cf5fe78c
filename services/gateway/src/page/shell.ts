// What stands around every view: the heading's focus, the cart's count, who is signed in, and what is said aloud.

import type { Schemas } from "@quadrille/client";
import { NoAnswer, Problem } from "@quadrille/client";
import { isTransient } from "@quadrille/client/problem";
import { answerOf, GET } from "./api.ts";
import { byId, h } from "./dom.ts";
import { inDigits, inPoints, inUnits } from "./words.ts";

/** A view gets the place it fills and a signal that aborts when it is left. */
export interface Stage {
  readonly main: HTMLElement;
  readonly signal: AbortSignal;
}

/** Says it in the corner of the page, and to a screen reader when it has time. */
export function say(text: string): void {
  byId("said").replaceChildren(h("p", {}, text));
}

/** The heading of a view is where the keyboard goes when the view is opened. */
export function heading(text: string): HTMLHeadingElement {
  document.title = `${text} · Quadrille`;
  return h("h1", { tabindex: -1 }, text);
}

export function showCount({ lines }: Schemas["Cart"]): void {
  const count = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const place = byId("cart-count");
  place.textContent = count === 0 ? "" : inDigits(count);
  place.setAttribute("aria-label", count === 0 ? "" : inUnits(count));
  place.hidden = count === 0;
}

export async function refreshCart(): Promise<Schemas["Cart"]> {
  const cart = await answerOf(GET("/v1/cart"));
  showCount(cart);
  return cart;
}

export async function refreshMember(): Promise<Schemas["Member"]> {
  const member = await answerOf(GET("/v1/me"));
  byId("member").replaceChildren(
    h("span", { class: "name" }, member.name),
    h("span", { class: "points" }, inPoints(member.points.available)),
  );
  return member;
}

/** What this page itself has to say. */
export class Notice extends Error {}

/** A no in words: what it is, and every field at fault. */
export function problemBox(error: unknown, again?: () => unknown): HTMLElement {
  const mayHelp = !(error instanceof Problem) || isTransient(error);
  const violations = error instanceof Problem ? error.violations : [];
  const faults = violations.map(({ field, description }) =>
    h("li", {}, h("b", {}, field), ` ${description}`),
  );
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("p", {}, inWords(error)),
    faults.length === 0 ? undefined : h("ul", {}, ...faults),
    again !== undefined && mayHelp ? h("button", { type: "button", click: again }, "Try again") : undefined,
  );
}

function inWords(error: unknown): string {
  if (error instanceof Problem) return error.title;
  if (error instanceof NoAnswer) return "The shop cannot be reached. Try again shortly.";
  return error instanceof Notice ? error.message : "Something went wrong in this page.";
}

/** Does something; a no is shown in the place, and what was shown there before is gone either way. */
export async function attempt(
  place: HTMLElement,
  act: () => Promise<unknown>,
  again?: () => unknown,
): Promise<void> {
  place.replaceChildren();
  try {
    await act();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return; // The view was left.
    if (!isExpected(error)) reportError(error);
    place.replaceChildren(problemBox(error, again));
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof Problem || error instanceof NoAnswer || error instanceof Notice;
}
