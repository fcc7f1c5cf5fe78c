import { describe } from "@jest/globals";
import { memoryBench } from "./testing/memory-bench.ts";
import { transactionsContract } from "./testing/transactions.contract.ts";

describe("a database in memory", () => transactionsContract(memoryBench));
