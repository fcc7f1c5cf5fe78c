import { describe } from "@jest/globals";
import { postgresBench } from "./testing/postgres-bench.ts";
import { transactionsContract } from "./testing/transactions.contract.ts";

describe("PostgreSQL", () => transactionsContract(postgresBench));
