// A way to PostgreSQL that counts transactions and can break at a commit.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { BrokenAt } from "./bench.ts";

/** Forwards to the database; after `cut`, the connection that commits next is closed instead of, or after, being served. */
export async function cuttingProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let cutAt: BrokenAt | undefined;
  let begun = 0;
  const server = createServer((client) => {
    const backend = connect(Number(target.port), target.hostname);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => [client, backend].forEach((each) => void each.destroySoon()));
    }
    backend.pipe(client);
    client.on("data", (bytes) => {
      if (bytes.includes("begin isolation level")) begun += 1;
      const isCommit = cutAt !== undefined && bytes.includes("commit\0");
      if (!isCommit || cutAt === "after the commit") backend.write(bytes);
      if (!isCommit) return;
      cutAt = undefined;
      client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    /** Transactions that went through it. */
    begun: () => begun,
    cut: (at: BrokenAt) => {
      cutAt = at;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
