// Jest's global teardown: ends the servers that the setup started.
import { endTestServers } from "./test-setup.ts";

export default endTestServers;
