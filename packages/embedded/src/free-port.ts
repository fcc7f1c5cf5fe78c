// Ports nobody listens on, from below the range the system hands to outgoing connections.
//
// Between the look at a port and the start of its server another process may choose the same. So a process first
// claims a block of ports: it listens on the lowest one, which the system grants to one process alone and takes
// back when that ends. From its block it gives out the others, each once.
import { createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

// Linux gives outgoing connections 32768 and up, macOS 49152 and up.
const lowest = 20_000;
const blockSize = 100;
const blockCount = 120;

let next = 0;
let end = 0;
let turn: Promise<unknown> = Promise.resolve();

/** A port on 127.0.0.1 that nobody listens on; it is given out once. */
export function freePort(): Promise<number> {
  const port = turn.then(find);
  turn = port.catch(() => {}); // One who finds none leaves the others their turn.
  return port;
}

/** Several distinct free ports. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function find(): Promise<number> {
  for (;;) {
    if (next === end) {
      next = (await claimBlock()) + 1;
      end = next + blockSize - 1;
    }
    const port = next;
    next += 1;
    if (await isFree(port)) return port;
  }
}

/** The claim lasts as long as this process, and does not keep it from ending. */
async function claimBlock(): Promise<number> {
  for (let tries = 0; tries < blockCount; tries += 1) {
    const port = lowest + ((process.pid + tries) % blockCount) * blockSize;
    const claim = await listen(port);
    if (claim === undefined) continue;
    claim.on("connection", (socket) => socket.destroy());
    claim.unref();
    return port;
  }
  throw new Error(
    `All blocks of ports from ${lowest} to ${lowest + blockSize * blockCount - 1} are claimed.`,
  );
}

export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Waits a moment for a predecessor that is just ending, then refuses in words a person can act on. */
export async function needFreePort(port: number, what: string): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    if (await isFree(port)) return;
    await pause(100);
  }
  throw new Error(
    `Port ${port} on 127.0.0.1, wanted for ${what}, is taken: stop the program that has it, or choose another port.`,
  );
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}
