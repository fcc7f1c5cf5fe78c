// A proxy before one gRPC server that can lose a call as a network does: before its answer has left, or while the server is at work.
//
// It knows as much of HTTP/2 as it takes to tell frames apart: a call is cut between two of them, never by the clock.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** `answer`: the server has answered, nobody will read it. `work`: the request has arrived, then the line is dead. */
export type Loss = "answer" | "work";

export interface LossyProxy extends AsyncDisposable {
  /** What a gRPC client dials. */
  readonly address: string;
  /** The next call is lost; afterwards the line is whole again. */
  loseNext(loss: Loss): void;
  /** The messages of the answers that were lost so far; empty where there was none: a refusal, or a service still at work. */
  readonly lost: readonly Buffer[];
}

interface Frame {
  readonly isData: boolean;
  readonly isHeaders: boolean;
  readonly endsStream: boolean;
  readonly bytes: Buffer;
}

const prefaceBytes = 24;
const headBytes = 9;
/** What gRPC writes before a message: whether it is compressed, and its length. */
const messagePrefixBytes = 5;

/** `target` is `ipv4:host:port`. */
export async function openLossyProxy(target: string): Promise<LossyProxy> {
  const [host = "", port = ""] = target.replace("ipv4:", "").split(":");
  const sockets = new Set<Socket>();
  let armed: Loss | undefined;
  const lost: Buffer[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host, port: Number(port), noDelay: true });
    let isAnswering = false;
    let answer: Buffer = Buffer.alloc(0);
    const cut = () => {
      armed = undefined;
      lost.push(answer.subarray(messagePrefixBytes));
      client.destroy();
      upstream.end(); // What was written still arrives; a reset could overtake it.
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {}); // A closed line is what this proxy is for; "close" tells of it.
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.end();
      });
    }
    eachFrame(client, prefaceBytes, ({ isData, endsStream, bytes }) => {
      if (client.destroyed) return;
      upstream.write(bytes);
      if (armed === "work" && isData && endsStream) cut();
    });
    eachFrame(upstream, 0, ({ isData, isHeaders, endsStream, bytes }) => {
      if (client.destroyed) return;
      isAnswering ||= armed === "answer" && isHeaders;
      if (isAnswering && isData) answer = Buffer.concat([answer, bytes.subarray(headBytes)]);
      if (!isAnswering) client.write(bytes);
      else if (isHeaders && endsStream) cut();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `ipv4:127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNext(loss) {
      armed = loss;
    },
    lost,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Hears whole frames; what stands before the first one comes with it. */
function eachFrame(socket: Socket, skipped: number, hear: (frame: Frame) => void): void {
  let before = skipped;
  let kept: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length >= before + headBytes) {
      const length = before + headBytes + kept.readUIntBE(before, 3);
      if (kept.length < length) return;
      const [type, flags] = [kept.readUInt8(before + 3), kept.readUInt8(before + 4)];
      const bytes = kept.subarray(0, length);
      kept = kept.subarray(length);
      before = 0;
      hear({ isData: type === 0, isHeaders: type === 1, endsStream: (flags & 1) === 1, bytes });
    }
  });
}
