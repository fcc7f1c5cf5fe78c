// The catalogue of facts against the protobuf files, and what its codecs take and refuse.
import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  durableOf,
  events,
  type FactKind,
  kindOf,
  kindOfMessage,
  services,
  streamOf,
  tellersFor,
  Undecodable,
} from "./events.ts";
import { OrderPayable } from "./gen/quadrille/order/v1/facts.ts";

const kinds = Object.values(events) as unknown as readonly FactKind<string, never>[];
const byType = kinds.map((kind) => [kind.type, kind] as const);

const { file: files } = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL("./gen/descriptors.binpb", import.meta.url)),
);
/** Every message of the facts.proto files that says which order it is about: a fact, and not a part of one. */
const described = files
  .filter((file) => file.name.endsWith("/facts.proto"))
  .flatMap((file) =>
    file.messageType
      .filter((message) => message.field.some((field) => field.name === "order_id"))
      .map((message) => ({ name: `${file.package}.${message.name}`, first: message.field[0] })),
  );

describe("the catalogue", () => {
  test("has every fact the protobuf files describe, and no other", () => {
    const names = kinds.map((kind) => kind.messageName);
    expect(new Set(names)).toEqual(new Set(described.map((message) => message.name)));
    expect(new Set(names).size).toBe(names.length);
  });

  test("can tell every fact's order by its first field", () => {
    for (const { first } of described) expect(first).toMatchObject({ name: "order_id", number: 1 });
  });

  test.each(byType)("%s is named as its subject and its message are", (type, kind) => {
    const [teller, name = ""] = type.split(".");
    const words = name.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    const spoken = kind.messageName.split(".").at(-1)?.toLowerCase();
    expect(services).toContain(teller);
    expect(kind.subject).toBe(`quadrille.${teller}.v1.${name}`);
    expect([words.join(""), `${teller}${words.join("")}`].map((each) => each.toLowerCase())).toContain(
      spoken,
    );
    expect(kind.meaning).toMatch(/^[A-Z].*\.$/);
    expect(kindOf(type)).toBe(kind);
    expect(kindOfMessage(kind.messageName)).toBe(kind);
  });

  test("is heard by others than the teller, each named once", () => {
    for (const { heardBy, teller } of kinds) {
      expect(heardBy).not.toContain(teller);
      expect(new Set(heardBy).size).toBe(heardBy.length);
      for (const hearer of heardBy) expect(services).toContain(hearer);
    }
  });

  test("does not know what is told to nobody outside", () => {
    expect(kindOf("fateHeard")).toBeUndefined();
    expect(kindOfMessage("quadrille.order.v1.Nonsense")).toBeUndefined();
  });
});

describe("streams and durables", () => {
  test("a stream takes all its teller says, and nothing another says", () => {
    expect(streamOf("order")).toEqual({ name: "QUADRILLE_ORDER", subjects: ["quadrille.order.v1.>"] });
    for (const { teller, subject } of kinds) {
      const takers = services.filter((service) =>
        subject.startsWith(streamOf(service).subjects[0]?.slice(0, -1) ?? "?"),
      );
      expect(takers).toEqual([teller]);
    }
  });

  test("a durable is named after who hears whom", () => {
    expect(durableOf("order", "product")).toEqual({
      name: "order_hears_product",
      filter: "quadrille.product.v1.>",
    });
  });

  test("a service hears whom the catalogue says", () => {
    expect(tellersFor("order")).toEqual(["product", "member", "payment"]);
    for (const hearer of ["product", "member", "payment"] as const)
      expect(tellersFor(hearer)).toEqual(["order"]);
  });
});

/** Any value for a field, by what an empty message has in its place; lists are of the messages their field is of. */
function anyFor(field: string, empty: unknown, type: string): fc.Arbitrary<unknown> {
  const units = fc.nat(2 ** 31 - 1);
  const line = { variantId: fc.string(), quantity: units };
  const orderLine = {
    ...line,
    unitPrice: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    title: fc.string(),
  };
  if (field === "orderId") return fc.string({ minLength: 1 });
  if (field === "method") return fc.constantFrom("PAYMENT_METHOD_UNSPECIFIED", "PAYMENT_METHOD_CARD");
  if (field === "lines") return fc.array(fc.record(type.startsWith("order.") ? orderLine : line));
  if (field === "shortages")
    return fc.array(fc.record({ variantId: fc.string(), wanted: units, available: units }));
  switch (typeof empty) {
    case "string":
      return fc.string().filter((text) => text !== "UNRECOGNIZED");
    case "number":
      return units;
    case "bigint":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "boolean":
      return fc.boolean();
    default:
      return fc.date({
        min: new Date("1970-01-01T00:00:00Z"),
        max: new Date("2100-01-01T00:00:00Z"),
        noInvalidDate: true,
      });
  }
}

/** A message in which nothing is set, for the names of its fields. */
async function emptyOf({ messageName, teller }: FactKind<string, never>): Promise<object> {
  const generated = await import(`./gen/quadrille/${teller}/v1/facts.ts`);
  return generated[messageName.split(".").at(-1) ?? ""].fromPartial({});
}

describe.each(byType)("%s", (type, kind) => {
  test("decodes what it encodes", async () => {
    const fields = Object.entries(await emptyOf(kind)).map(([field, empty]) => [
      field,
      anyFor(field, empty, type),
    ]);
    fc.assert(
      fc.property(fc.record(Object.fromEntries(fields)), (data) => {
        expect(kind.decode(kind.encode(data as never))).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });

  test("is undecodable without an order, or a message it cannot do without", async () => {
    expect(() => kind.decode(new Uint8Array())).toThrow(Undecodable);
    const empty = await emptyOf(kind);
    const needed = Object.entries(empty).filter(([, value]) => value === undefined);
    const whole = {
      ...empty,
      orderId: "order",
      ...Object.fromEntries(needed.map(([field]) => [field, new Date(0)])),
    };
    expect(kind.decode(kind.encode(whole as never))).toEqual(whole);
    expect(() => kind.decode(kind.encode({ ...whole, orderId: "" } as never))).toThrow(
      `${type} without orderId`,
    );
    for (const [field] of needed) {
      const message = { ...whole, [field]: undefined };
      expect(() => kind.decode(kind.encode(message as never))).toThrow(`${type} without ${field}`);
    }
  });

  test("is undecodable when it is noise, and never fails in another way", () => {
    expect(() => kind.decode(Buffer.from("not a message"))).toThrow(Undecodable);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          kind.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Undecodable);
        }
      }),
      { numRuns: 200 },
    );
  });
});

test("what a newer build added is passed over, and a choice it added is not guessed", () => {
  const data = {
    orderId: "order",
    memberId: "member",
    amountDue: 1n,
    currency: "KRW",
    method: "PAYMENT_METHOD_CARD",
    payBy: new Date(0),
  } as const;
  const bytes = OrderPayable.encode(data).finish();
  const newField = Buffer.from([0xfa, 0x07, 0x02, 0x68, 0x69]); // Field 127, two bytes.
  expect(events.orderPayable.decode(Buffer.concat([bytes, newField]))).toEqual(data);
  const newMethod = Buffer.from([0x28, 0x63]); // Field 5, the method, said again: 99.
  expect(() => events.orderPayable.decode(Buffer.concat([bytes, newMethod]))).toThrow(
    "a method this build does not know",
  );
});
