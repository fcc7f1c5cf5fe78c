import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "@jest/globals";
import { decodeDetails, encodeDetails } from "./details.ts";

// Another implementation of the same messages.
const google = loadSync(new URL("testing/status.proto", import.meta.url).pathname, { keepCase: true });
// biome-ignore lint/suspicious/noExplicitAny: plain objects, compared as such.
const type = (name: string) => google[`google.rpc.${name}`] as MessageTypeDefinition<any, any>;

const details = {
  reason: "AMOUNT_CHANGED",
  domain: "quadrille",
  metadata: { amountDue: "12000", note: "다른 가격" },
  violations: [
    { field: "lines[0].quantity", description: "is less than 1" },
    { field: "request_id", description: "is required" },
  ],
};

describe("status details", () => {
  test("another protobuf implementation reads what we write", () => {
    const bytes = encodeDetails(9, "The amount changed.", details);
    const status = type("Status").deserialize(bytes);
    expect(status).toMatchObject({ code: 9, message: "The amount changed." });
    const [info, request] = status.details;
    expect(info.type_url).toBe("type.googleapis.com/google.rpc.ErrorInfo");
    const { reason, domain, metadata, violations } = details;
    expect(type("ErrorInfo").deserialize(info.value)).toEqual({ reason, domain, metadata });
    expect(request.type_url).toBe("type.googleapis.com/google.rpc.BadRequest");
    expect(type("BadRequest").deserialize(request.value)).toEqual({ field_violations: violations });
  });

  test("we read what we write", () => {
    expect(decodeDetails(encodeDetails(9, "The amount changed.", details))).toEqual(details);
  });

  test("without violations there is no BadRequest", () => {
    const bytes = encodeDetails(9, "x", { ...details, violations: [] });
    expect(bytes.includes("BadRequest")).toBe(false);
    expect(decodeDetails(bytes)?.violations).toEqual([]);
  });

  test("details of other types and unknown fields are passed over", () => {
    const any = { type_url: "type.googleapis.com/google.rpc.RetryInfo", value: Buffer.from([10, 0]) };
    const foreign = type("Status").serialize({ code: 14, message: "m", details: [any, {}] });
    expect(decodeDetails(foreign)).toBeUndefined();
    expect(decodeDetails(Buffer.concat([foreign, encodeDetails(9, "x", details)]))).toEqual(details);
  });

  test("bytes that are no message say nothing", () => {
    expect(decodeDetails(Buffer.from([0xff, 0xff, 0xff]))).toBeUndefined();
    expect(decodeDetails(Buffer.alloc(0))).toBeUndefined();
  });
});
