// The key under which a repeated request is known: required where something is made or paid, made up elsewhere.
import { randomUUID } from "node:crypto";
import type { FastifyRequest } from "fastify";
import Type from "typebox";

const Key = Type.String({
  pattern: "^[A-Za-z0-9_-]{8,64}$",
  description:
    "Names this request: sent again with the same key it gets the first answer again. 8 to 64 of `A-Z a-z 0-9 _ -`; a UUID is a good one.",
  examples: ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
});

export const KeyRequired = Type.Object({ "Idempotency-Key": Key });
export const KeyOptional = Type.Object({ "Idempotency-Key": Type.Optional(Key) });

/** What the services call `request_id`. */
export function requestIdOf({ headers }: FastifyRequest): string {
  const key = headers["idempotency-key"];
  return typeof key === "string" ? key : randomUUID();
}
