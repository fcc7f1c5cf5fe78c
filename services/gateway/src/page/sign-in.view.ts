// Signing in with a token that is pasted; whoever comes with one in the address does not see this.
import { h } from "./dom.ts";
import { remember } from "./memory.ts";
import { heading, problemBox, type Stage } from "./shell.ts";

export function showSignIn({ main }: Stage, signedIn: () => void, why?: Error): void {
  const input = h("input", {
    id: "token",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "token-help",
  });
  const submit = (event: Event) => {
    event.preventDefault();
    remember("token", input.value.trim());
    signedIn();
  };
  main.replaceChildren(
    heading("Sign in"),
    h("div", { class: "problems" }, why === undefined ? undefined : problemBox(why)),
    h(
      "form",
      { class: "sign-in", submit },
      h("label", { for: "token" }, "Your token"),
      input,
      h(
        "p",
        { class: "soft", id: "token-help" },
        "On a development machine, ",
        h("code", {}, "npm run token -- --member 7"),
        " makes one. It stays in this tab and is forgotten when you close it.",
      ),
      h("button", { class: "main" }, "Sign in"),
    ),
  );
}
