import { describe } from "@jest/globals";
import { groupsContract } from "./testing/groups.contract.ts";
import { memoryBench } from "./testing/memory-bench.ts";
import { memoryGroups } from "./testing/memory-groups.ts";
import { transactionsContract } from "./testing/transactions.contract.ts";

describe("a database in memory", () => transactionsContract(memoryBench));
describe("groups on a database in memory", () => groupsContract(memoryGroups));
