// A question that is answered before anything is done.
import { h } from "./dom.ts";

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly no: string;
  readonly yes: string;
}

/** Whether the answer was yes; leaving the question is a no. */
export function isAgreed(place: HTMLElement, { title, text, no, yes }: Question): Promise<boolean> {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "question" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "question" }, title),
      h("p", { class: "sure" }, text),
      h(
        "div",
        { class: "actions" },
        h("button", { value: "no", class: "quiet" }, no),
        h("button", { value: "yes", class: "main" }, yes),
      ),
    ),
  );
  place.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }),
  );
}
