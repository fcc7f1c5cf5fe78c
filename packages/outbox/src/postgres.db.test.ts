import { describe } from "@jest/globals";
import { groupsContract } from "./testing/groups.contract.ts";
import { postgresBench } from "./testing/postgres-bench.ts";
import { postgresGroups } from "./testing/postgres-groups.ts";
import { transactionsContract } from "./testing/transactions.contract.ts";

describe("PostgreSQL", () => transactionsContract(postgresBench));
describe("groups on PostgreSQL", () => groupsContract(postgresGroups));
