// A gRPC call made of bare HTTP/2, for requests no well-behaved client would send: any bytes, any header or none.
import { connect, constants } from "node:http2";
import { decodeDetails } from "@quadrille/rpc/details";

export interface WireAnswer {
  /** The number in the trailers; undefined when the call ended without any. */
  readonly status: number | undefined;
  /** From the error's details, such as `INVALID_REQUEST`. */
  readonly reason: string | undefined;
  /** Everything the server said about it, for a look at what it gives away. */
  readonly text: string;
}

interface WireCall {
  /** Such as `/quadrille.order.v1.OrderService/GetCart`. */
  readonly path: string;
  /** The request message; framed here. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `address` is one `ipv4:host:port`, or several, of which the first is called. */
export async function callOnWire(
  address: string,
  { path, bytes = new Uint8Array(), headers = {} }: WireCall,
): Promise<WireAnswer> {
  const [first = ""] = address.replace("ipv4:", "").split(",");
  const session = connect(`http://${first}`);
  try {
    return await new Promise<WireAnswer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      let said: Record<string, unknown> = {};
      const hear = (more: object) => {
        said = { ...said, ...more };
      };
      stream.on("response", hear);
      stream.on("trailers", hear);
      stream.on("error", () => {}); // A server may end a call it does not like before it has read it.
      stream.on("close", () => resolve(answerOf(said)));
      stream.resume();
      stream.end(framed(bytes));
    });
  } finally {
    session.destroy();
  }
}

function answerOf(said: Readonly<Record<string, unknown>>): WireAnswer {
  const details = said["grpc-status-details-bin"];
  const bytes = typeof details === "string" ? Buffer.from(details, "base64") : Buffer.alloc(0);
  return {
    status: said["grpc-status"] === undefined ? undefined : Number(said["grpc-status"]),
    reason: decodeDetails(bytes)?.reason || undefined,
    text: `${JSON.stringify(said)} ${bytes.toString("latin1")}`,
  };
}

/** gRPC's frame: not compressed, four bytes of length, the message. */
function framed(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
