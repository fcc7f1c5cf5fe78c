// Elements in one line each: what they are, what they say, what they do.

type Attributes = Readonly<
  Record<string, string | number | boolean | ((event: Event) => unknown) | undefined>
>;
type Child = Node | string | undefined;

/** A function is a listener of the event with that name; `true` is an attribute without a value; what is undefined is left out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : `${value}`);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Replaces what is in the element, and leaves the keyboard where it was if that is still there. */
export function refill(element: HTMLElement, ...children: readonly Child[]): void {
  const { activeElement } = document;
  const id = activeElement !== null && element.contains(activeElement) ? activeElement.id : "";
  element.replaceChildren(...children.filter((child) => child !== undefined));
  if (id !== "") document.getElementById(id)?.focus();
}

/** Runs what a button does, once at a time; it stays in the order of the keyboard meanwhile. */
export function button(
  label: string,
  attributes: Attributes,
  act: () => Promise<unknown> | unknown,
): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", async () => {
    if (element.ariaDisabled === "true") return;
    element.ariaDisabled = "true";
    try {
      await act();
    } finally {
      element.ariaDisabled = null;
    }
  });
  return element;
}
