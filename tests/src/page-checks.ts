// What anybody must be able to do with a page, judged in the browser: read it, name its parts, reach them, on any screen.
import type { Page } from "playwright-core";

/** One line for each fault; runs in the page, and so is written as a text. */
const judge = String.raw`(() => {
  const faults = [];
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);
  const nameOf = (element) => {
    const by = element.getAttribute("aria-labelledby");
    const label = element.labels?.[0]?.textContent;
    return (element.ariaLabel ?? (by && document.getElementById(by)?.textContent) ?? label ?? element.textContent ?? "").trim();
  };
  const describe = (element) => "<" + element.tagName.toLowerCase() + "> " + (nameOf(element) || element.className).slice(0, 40);

  if (!document.documentElement.lang) faults.push("the document has no language");
  if (!document.title) faults.push("the document has no title");
  for (const part of ["main", "nav", "header"]) if (all(part).length !== 1 && !document.body.classList.contains("signed-out")) faults.push("there is not one " + part);
  if (all("h1").length !== 1) faults.push("there is not one h1 but " + all("h1").length);
  const levels = all("h1, h2, h3").map((one) => Number(one.tagName[1]));
  levels.forEach((level, at) => { if (level > (levels[at - 1] ?? 0) + 1) faults.push("a heading skips a level"); });

  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) faults.push("the id " + id + " is there twice");
  for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby], label[for]"))
    for (const attribute of ["aria-labelledby", "aria-describedby", "for"]) {
      const id = element.getAttribute(attribute);
      if (id && !document.getElementById(id)) faults.push(describe(element) + " refers to #" + id + ", which is not there");
    }

  for (const element of all("a, button, input, dialog, nav, section, ul[aria-label], ol[aria-label]")) {
    if (!nameOf(element)) faults.push(describe(element) + " has no name");
    if (element.tabIndex > 0) faults.push(describe(element) + " jumps the order of the keyboard");
  }
  for (const element of all("img, svg")) if (element.getAttribute("aria-hidden") !== "true" && !element.getAttribute("alt")) faults.push("a picture has no text");
  for (const element of all("button, input, nav a")) {
    const { width, height } = element.getBoundingClientRect();
    if (width < 40 || height < 40) faults.push(describe(element) + " is only " + Math.round(width) + " by " + Math.round(height) + " px");
  }
  if (!document.querySelector("[aria-live], [role=status]")) faults.push("nothing is said aloud");

  const rgb = (colour) => {
    const parts = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(colour);
    if (parts === null) throw new Error("a colour that cannot be judged: " + colour);
    return { channels: parts.slice(1, 4).map(Number), alpha: Number(parts[4] ?? 1) };
  };
  const light = ({ channels }) => {
    const [red, green, blue] = channels.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour.alpha === 1) return colour;
      if (colour.alpha > 0) throw new Error("a background that shines through: " + describe(one));
    }
    return rgb("rgb(255, 255, 255)");
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  for (const element of all("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!hasText || element.closest("[aria-disabled=true], svg, .aloud, noscript")) continue;
    const found = contrast(rgb(getComputedStyle(element).color), behind(element));
    if (found < 4.5) faults.push(describe(element) + " has a contrast of " + found.toFixed(2));
  }
  for (const element of all("input")) {
    const found = contrast(rgb(getComputedStyle(element).borderTopColor), behind(element.parentElement));
    if (found < 3) faults.push("the edge of " + describe(element) + " has a contrast of " + found.toFixed(2));
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push("it is " + (scrollWidth - clientWidth) + " px wider than the screen");
  return faults;
})()`;

export async function faultsOf(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(judge)) as readonly string[];
}

/** Presses Tab until this is reached, which must show that the keyboard is there. */
export async function tabTo(page: Page, name: RegExp, pressesMost = 80): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < pressesMost; presses += 1) {
    await page.keyboard.press("Tab");
    const reached = (await page.evaluate(`(() => {
      const { activeElement: element } = document;
      const name = element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent ?? "";
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return { name: name.trim(), isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    })()`)) as { readonly name: string; readonly isMarked: boolean };
    seen.push(reached.name.slice(0, 40));
    if (!name.test(reached.name)) continue;
    if (!reached.isMarked) throw new Error(`nobody sees that the keyboard is at ${reached.name}`);
    return;
  }
  throw new Error(`the keyboard did not come to ${name}, but to ${seen.join(" | ")}`);
}
