// The process that puts the product under load, so that what the load itself costs is told apart.
import { type Market, openShop } from "./checkout.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { answerParent } from "./remote-load.ts";

process.once("message", async (market: Market) => {
  const shop = await openShop(market);
  answerParent(new ClosedLoop(shop.checkOut));
});
