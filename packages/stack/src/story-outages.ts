// Stories (f) and (g): somebody we depend on says nothing for a while, and nothing is lost by it.
import { setTimeout as pause } from "node:timers/promises";
import { accountOf, addFaults } from "./provider-control.ts";
import type { Stack } from "./stack.ts";
import { sold } from "./story-sale.ts";
import {
  confirm,
  follow,
  newBuyer,
  newProduct,
  pay,
  payAtProvider,
  price,
  refusedWith,
  type Stage,
  StoryFault,
  untilAccepted,
  untilStatus,
} from "./story-steps.ts";
import type { Buyer, Order } from "./visitors.ts";

const confirmed = { status: "CONFIRMED", told: sold } as const;

/** The provider takes the money and answers nothing: payment is in doubt until it can ask, and nobody pays twice. */
export async function paymentInDoubt(stage: Stage): Promise<void> {
  const { stack, tell } = stage;
  const buyer = await newBuyer(stage, 0);
  const productId = await newProduct(stage, "A mirror in doubt", 1);
  const order = await buyer.place({ units: { productId, quantity: 1 }, points: 0, due: price });
  tell(`    order ${order.orderId} placed, ${order.amountDue.amount} due`);
  await follow(stage, buyer, order, confirmed, async () => {
    await untilStatus(stage, buyer, order, "PAYABLE");
    const [first, second] = [await payAtProvider(stage, order), await payAtProvider(stage, order)];
    await using silence = await addFaults(stack.providerUrl, [
      { fault: "timeout_after_effect", on: ["confirm"], paymentKey: first },
      { fault: "outage", paymentKey: first, times: 1_000 },
    ]);
    const startedAt = performance.now();
    const confirming = confirm(stage, buyer, order, first);
    confirming.catch(() => {}); // Awaited below, after the doubt, which says more.
    await untilInDoubt(stage, buyer, order);
    const ms = Math.round(performance.now() - startedAt);
    tell(`    the provider takes the money and answers nothing; after ${ms} ms the payment is UNKNOWN`);
    await refusedWith("PAYMENT_IN_DOUBT", confirm(stage, buyer, order, second));
    tell("    to pay once more is refused PAYMENT_IN_DOUBT; now the provider answers again");
    await silence[Symbol.asyncDispose]();
    await confirming;
  });
  const { captures, captured, refunded } = await accountOf(stack.providerUrl, order.orderId);
  tell(`    the provider's ledger: ${captures} capture, ${captured} taken, ${refunded} given back`);
  const isChargedOnce = captures === 1 && captured === order.amountDue.amount && refunded === 0;
  if (!isChargedOnce) throw new StoryFault(`there should be one capture of ${order.amountDue.amount}`);
}

async function untilInDoubt(stage: Stage, buyer: Buyer, { orderId }: Order): Promise<void> {
  const until = Date.now() + stage.stepMsMax;
  // The order may be payable a moment before payment has heard so.
  const look = () => untilAccepted(stage, ["PAYMENT_UNKNOWN"], () => buyer.payment(orderId));
  let { status } = await look();
  while (status !== "UNKNOWN") {
    if (Date.now() > until) throw new StoryFault(`the payment is ${status}, not in doubt`);
    await pause(50);
    ({ status } = await look());
  }
}

/** Product answers nothing, then dies: carts are still shown, the breaker opens, and closes when product is back. */
export async function productGone(stage: Stage): Promise<void> {
  const { stack, tell } = stage;
  const buyer = await newBuyer(stage, 0);
  const productId = await newProduct(stage, "A basket that stays", 1);
  const line = { productId, quantity: 1 };
  await buyer.addLine(line);
  {
    await using _back = freezeProduct(stack);
    const cart = await timed(() => shownWithoutProduct(buyer, productId));
    tell(
      `    product answers nothing; the cart is still shown, after ${cart.ms} ms, its line PRODUCT_UNAVAILABLE`,
    );
    const { tries, ms } = await untilBreakerOpens(stage, buyer, productId, cart.ms);
    tell(
      `    to change it is refused PRODUCT_UNAVAILABLE; after ${tries} tries the breaker is open: refused in ${ms} ms`,
    );
    await refusedWith("PRODUCT_UNAVAILABLE", buyer.place({ units: line, points: 0, due: price }));
    tell("    an order is refused PRODUCT_UNAVAILABLE too; now product is killed and started again");
  }
  const closed = await timed(() =>
    untilAccepted(stage, ["PRODUCT_UNAVAILABLE"], () => buyer.changeLine(line)),
  );
  tell(`    the breaker closed ${closed.ms} ms after product was back`);
  const order = await buyer.place({ points: 0, due: price });
  tell(`    order ${order.orderId} placed from that cart, ${order.amountDue.amount} due`);
  await follow(stage, buyer, order, confirmed, () => pay(stage, buyer, order));
}

/** It keeps its connections and answers nothing, which is worse than being gone. Disposing kills it and starts it again. */
function freezeProduct(stack: Stack): AsyncDisposable {
  stack.processes.get("product")?.kill("SIGSTOP");
  return {
    async [Symbol.asyncDispose]() {
      await stack.kill("product");
      await stack.restart("product");
    },
  };
}

async function shownWithoutProduct(buyer: Buyer, productId: string): Promise<void> {
  const { lines } = await buyer.cart();
  const shown = lines.map((line) => `${line.quantity} ${line.productId} ${line.problem}`).join(", ");
  const must = `1 ${productId} PRODUCT_UNAVAILABLE`;
  if (shown !== must) throw new StoryFault(`the cart shows "${shown}", not "${must}"`);
}

/** While it is closed every look-up takes its whole time; once it is open, next to none. */
async function untilBreakerOpens(
  { stepMsMax }: Stage,
  buyer: Buyer,
  productId: string,
  lookUpMs: number,
): Promise<{ readonly tries: number; readonly ms: number }> {
  const until = Date.now() + stepMsMax;
  const atOnce = 4;
  for (let tries = atOnce; Date.now() < until; tries += atOnce) {
    const refused = await Promise.all(
      Array.from({ length: atOnce }, () =>
        timed(() => refusedWith("PRODUCT_UNAVAILABLE", buyer.addLine({ productId, quantity: 1 }))),
      ),
    );
    const ms = Math.min(...refused.map((each) => each.ms));
    if (ms < lookUpMs / 10) return { tries, ms };
  }
  throw new StoryFault("the breaker did not open: each refusal takes a whole look-up");
}

async function timed<Answer>(
  ask: () => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly ms: number }> {
  const startedAt = performance.now();
  const answer = await ask();
  return { answer, ms: Math.round(performance.now() - startedAt) };
}
