// HTTP/1.1 made of bytes, for requests that no well-behaved client would send; its answers are read strictly.
import { connect, type Socket } from "node:net";

export interface RawRequest {
  readonly method: string;
  /** Path and query as they go on the line, character by character as bytes. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection that is kept for the next request, and opened again when the server ended it. */
export interface RawClient extends Disposable {
  /** Fails when no whole answer comes. An event stream is left as soon as it has begun. */
  ask(request: RawRequest): Promise<RawAnswer>;
}

const answerMsMax = 20_000;

export function openRawClient(port: number): RawClient {
  let kept: Socket | undefined;
  return {
    async ask(request) {
      const socket = kept?.writable && !kept.readableEnded ? kept : openSocket(port);
      kept = undefined;
      const { answer, isKept } = await exchange(socket, bytesOf(request), request.method === "HEAD");
      if (isKept) kept = socket;
      else socket.destroy();
      return answer;
    },
    [Symbol.dispose]: () => kept?.destroy(),
  };
}

/** Says these bytes on a connection of their own, ends its half, and reads every answer until the other half ends. */
export async function shout(port: number, bytes: Buffer): Promise<readonly RawAnswer[]> {
  const socket = openSocket(port);
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const late = () => reject(new Error(`the connection was still open after ${answerMsMax} ms`));
    const timer = setTimeout(late, answerMsMax);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(bytes);
  }).finally(() => socket.destroy());
  return answersIn(Buffer.concat(chunks));
}

function openSocket(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  return socket.on("error", () => {}); // A server may hang up on what it does not like; "close" tells of it.
}

function bytesOf({ method, target, headers, body }: RawRequest): Buffer {
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${target} HTTP/1.1`, ...lines, ...length, "", ""].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), body ?? Buffer.alloc(0)]);
}

async function exchange(socket: Socket, bytes: Buffer, isHead: boolean) {
  let heard: Buffer = Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<Read>();
  const fail = (why: string) => reject(new Error(`${why}; heard so far: ${heard.toString().slice(0, 500)}`));
  const onData = (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    const read = readAnswer(heard, { isHead, isOver: false });
    if (read !== undefined) resolve(read);
  };
  const onClose = () => {
    const read = readAnswer(heard, { isHead, isOver: true });
    if (read === undefined) fail("the connection ended without a whole answer");
    else resolve(read);
  };
  const timer = setTimeout(() => fail(`no whole answer after ${answerMsMax} ms`), answerMsMax);
  socket.on("data", onData).once("close", onClose);
  try {
    socket.write(bytes);
    const { answer, length } = await promise;
    const isStream = answer.headers["content-type"] === "text/event-stream";
    const isKept = answer.headers.connection !== "close" && length === heard.length && !isStream;
    return { answer, isKept };
  } finally {
    clearTimeout(timer);
    socket.off("data", onData).off("close", onClose);
  }
}

interface Read {
  readonly answer: RawAnswer;
  /** How many of the bytes it took. */
  readonly length: number;
}

function answersIn(bytes: Buffer): readonly RawAnswer[] {
  const found: RawAnswer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    if (/^HTTP\/1\.1 100 Continue\r\n\r\n$/.test(rest.toString("latin1"))) break; // It was waiting for more.
    const read = readAnswer(rest, { isHead: false, isOver: true });
    if (read === undefined) throw new Error(`this is no whole answer: ${rest.toString().slice(0, 500)}`);
    found.push(read.answer);
    at += read.length;
  }
  return found;
}

/** Undefined while it is not whole yet. */
function readAnswer(
  bytes: Buffer,
  from: { readonly isHead: boolean; readonly isOver: boolean },
): Read | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new Error(`this begins no answer: ${first}`);
  const start = end + 4;
  if (status < 200) {
    const next = readAnswer(bytes.subarray(start), from); // 100 Continue goes before the answer.
    return next && { answer: next.answer, length: next.length + start };
  }
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  const body = readBody(bytes.subarray(start), status, headers, from);
  return body && { answer: { status, headers, body: body.text }, length: start + body.length };
}

function readBody(
  bytes: Buffer,
  status: number,
  headers: Readonly<Record<string, string>>,
  { isHead, isOver }: { readonly isHead: boolean; readonly isOver: boolean },
): { readonly text: string; readonly length: number } | undefined {
  const isBegun = headers["content-type"] === "text/event-stream";
  if (isHead || isBegun || status === 204 || status === 304) return { text: "", length: 0 };
  const length = headers["content-length"];
  if (length !== undefined) {
    const isWhole = bytes.length >= Number(length);
    return isWhole ? { text: bytes.subarray(0, +length).toString(), length: +length } : undefined;
  }
  if (headers["transfer-encoding"] === "chunked") return readChunks(bytes);
  return isOver ? { text: bytes.toString(), length: bytes.length } : undefined;
}

function readChunks(bytes: Buffer): { readonly text: string; readonly length: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, line).toString(), 16);
    const next = line + 2 + size + 2;
    if (next > bytes.length) return undefined;
    if (size === 0) return { text: Buffer.concat(parts).toString(), length: next };
    parts.push(bytes.subarray(line + 2, next - 2));
    at = next;
  }
}
