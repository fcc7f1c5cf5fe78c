import { describe } from "@jest/globals";
import { openStock } from "./testing/memory-stock.ts";
import { parkedContract } from "./testing/parked.contract.ts";

describe("parked facts in memory", () =>
  parkedContract(async () => ({
    parked: openStock().store.parked,
    async [Symbol.asyncDispose]() {},
  })));
