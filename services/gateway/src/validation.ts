// Checks the parts of a request against their schemas as they came: nothing is filled in, rounded or thrown away.
import type { Violation } from "@quadrille/decider";
import type { FastifySchemaCompiler, FastifySchemaValidationError } from "fastify";
import type { TObject, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";

const whole = /^(0|-?[1-9]\d{0,15})$/;

/** Headers that a request may be refused for, as people write them. */
const headerNames = new Map([
  ["idempotency-key", "Idempotency-Key"],
  ["if-match", "If-Match"],
  ["if-none-match", "If-None-Match"],
  ["last-event-id", "Last-Event-ID"],
]);

/** Names that the sender made up are shown, but not at any length. */
const fieldLengthMax = 200;

/** One schema gives types, documentation and this. A query's whole numbers come as text and are read where one is due. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(httpPart === "headers" ? inLowerCase(schema) : schema);
  return (given: unknown) => {
    const value = httpPart === "querystring" ? withNumbers(schema, given) : given;
    return compiled.Check(value) ? { value } : { error: compiled.Errors(value) as never };
  };
};

/** A violation for each fault, named as the sender wrote it: `lines[2].quantity`, `Idempotency-Key`. */
export function violationsOf(
  faults: readonly (FastifySchemaValidationError | TLocalizedValidationError)[],
  context = "",
): Violation[] {
  const found = faults
    .filter(({ schemaPath }) => !schemaPath.includes("/oneOf/")) // Why each choice does not fit is said by none.
    .flatMap(({ keyword, instancePath, params, message }): Violation[] => {
      const field = fieldOf(instancePath, context);
      if (keyword === "required") {
        const names = (params as { requiredProperties: readonly string[] }).requiredProperties;
        return names.map((name) => ({ field: inside(field, name, context), description: "is required" }));
      }
      // The name in question has a fault of its own.
      if (keyword === "additionalProperties") return [];
      if (keyword === "oneOf")
        return faults[0]?.keyword === "type"
          ? []
          : [{ field, description: "must be exactly one of what it may be" }];
      const description = keyword === "boolean" ? "is not known here" : (message ?? "is not valid");
      return [{ field, description }];
    });
  const whole = found.map(({ field, description }) => {
    return { field: field.slice(0, fieldLengthMax) || context, description };
  });
  return whole.length > 0 ? whole : [{ field: context, description: "is not valid" }];
}

/** Headers have no case, and Node gives their names in small letters; the document writes them as people do. */
function inLowerCase(schema: TSchema): TSchema {
  const { properties, required = [] } = schema as Partial<TObject>;
  const lowered = Object.entries(properties ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...schema,
    properties: Object.fromEntries(lowered),
    required: required.map((name) => name.toLowerCase()),
  };
}

function withNumbers(schema: TSchema, given: unknown): unknown {
  const { properties } = schema as { properties?: Readonly<Record<string, { type?: string }>> };
  if (properties === undefined || typeof given !== "object" || given === null) return given;
  const read = Object.entries(given).map(([name, value]) => {
    const isNumber = properties[name]?.type === "integer" && typeof value === "string" && whole.test(value);
    return [name, isNumber ? Number(value) : value];
  });
  return Object.fromEntries(read);
}

function fieldOf(instancePath: string, context: string): string {
  const steps = instancePath.split("/").slice(1);
  return steps.reduce((field, step) => inside(field, step, context), "");
}

function inside(field: string, step: string, context: string): string {
  const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
  if (context === "headers") return headerNames.get(name) ?? name;
  if (/^\d+$/.test(name)) return `${field}[${name}]`;
  return field === "" ? name : `${field}.${name}`;
}
