// Ports nobody listens on, taken from below the range the system hands to outgoing connections.
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

// Linux gives outgoing connections 32768 and up, macOS 49152 and up. A port from that range could be
// taken by any client between our look and the server's start; below it only another listener can.
const lowest = 20_000;
const highest = 31_999;
const givenOut = new Set<number>();

// Processes that look at the same time start at different places, so they seldom want the same port.
let next = (lowest + ((process.pid * 61 + process.uptime() * 1000) % (highest - lowest))) | 0;

/** A port on 127.0.0.1 that nobody listens on; this process never gives it out twice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries <= highest - lowest; tries += 1) {
    const port = next;
    next = next === highest ? lowest : next + 1;
    if (givenOut.has(port) || !(await isFree(port))) continue;
    givenOut.add(port);
    return port;
  }
  throw new Error(`No free port is left between ${lowest} and ${highest}.`);
}

/** Several distinct free ports. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
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
