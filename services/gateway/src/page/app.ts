// The page: takes the token out of the address, then shows the view that the address names.
import { showCart } from "./cart.view.ts";
import { byId } from "./dom.ts";
import { memberIn } from "./identity.ts";
import { forget, remember, remembered } from "./memory.ts";
import { showOrder } from "./order.view.ts";
import { showOrders } from "./orders.view.ts";
import { confirmBegun, hasBegun, stopConfirming, takeReturn } from "./payment.ts";
import { isAgreed } from "./question.ts";
import { Notice, problemBox, refreshCart, refreshMember, type Stage } from "./shell.ts";
import { showShop } from "./shop.view.ts";
import { showSignIn } from "./sign-in.view.ts";

const main = byId("main");
let leaving = new AbortController();

/** A token in the address would stand in the history and on the screen, so it is taken out before anything else is done. */
function tokenInAddress(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return undefined;
  history.replaceState(null, "", "/");
  return token === "" || token === remembered("token") ? undefined : token;
}

/** Anybody can send an address with a token in it, so whoever is here is asked before somebody else takes their place. */
function takeToken(token: string): void {
  const [here, comes] = [memberIn(remembered("token")), memberIn(token)];
  if (here === "" || here === comes) remember("token", token);
  else void askToContinue(token, here, comes);
}

async function askToContinue(token: string, here: string, comes: string): Promise<void> {
  const waiting = hasBegun(here) ? " The payment you began waits until you are back." : "";
  const isWanted = await isAgreed(document.body, {
    title: `Continue as ${comes === "" ? "somebody else" : `member ${comes}`}?`,
    text: `You are signed in as member ${here}, and the address you opened is for another member.${waiting}`,
    no: `Stay member ${here}`,
    yes: "Continue",
  });
  if (!isWanted) return;
  forget("order", "left"); // They were begun by somebody else.
  remember("token", token);
  stopConfirming();
  signedIn();
}

function openStage(): Stage {
  leaving.abort();
  leaving = new AbortController();
  return { main, signal: leaving.signal };
}

function show(): void {
  const isSignedIn = remembered("token") !== undefined;
  document.body.classList.toggle("signed-out", !isSignedIn);
  const stage = openStage();
  byId("said").replaceChildren(); // It was said about what was shown before.
  const [, view = "", id] = location.hash.split("/");
  markCurrent(view);
  if (!isSignedIn) showSignIn(stage, signedIn);
  else if (view === "cart") void showCart(stage);
  else if (view === "orders" && id !== undefined) void showOrder(stage, id);
  else if (view === "orders") void showOrders(stage);
  else showShop(stage);
}

function markCurrent(view: string): void {
  for (const link of byId("views").querySelectorAll("a"))
    link.ariaCurrent = link.hash === `#/${view}` ? "page" : null;
}

/** The keyboard goes to what was opened, as it would with a page of its own. */
function focusHeading(): void {
  main.querySelector("h1")?.focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

function signedIn(): void {
  show();
  focusHeading();
  showOwner();
}

/** Around the view stands who is here and how much is in the cart; without it everything else still works. */
function showOwner(): void {
  if (remembered("token") === undefined) return;
  confirmBegun();
  void Promise.all([refreshMember(), refreshCart()]).catch(() => {});
}

function signedOut(why?: Notice): void {
  forget("token");
  stopConfirming();
  byId("member").replaceChildren();
  document.body.classList.add("signed-out");
  showSignIn(openStage(), signedIn, why);
  focusHeading();
}

addEventListener("hashchange", () => {
  const token = tokenInAddress();
  if (token !== undefined) takeToken(token);
  show();
  focusHeading();
  if (token !== undefined) showOwner();
});
addEventListener("signedout", () =>
  signedOut(new Notice("Your token is not valid here, or not any more. Sign in again.")),
);
byId("sign-out").addEventListener("click", () => {
  forget("order", "left");
  history.replaceState(null, "", "/");
  signedOut();
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  focusHeading();
});

const token = tokenInAddress();
if (token !== undefined) takeToken(token);
const unexpected = takeReturn();
show();
if (unexpected !== undefined) main.prepend(problemBox(unexpected));
showOwner();
