// What a route tells about itself: its name and every answer it may give, the noes with the codes behind them.
import { type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import type { Role } from "@quadrille/rpc";
import Type, { type TObject, type TSchema } from "typebox";
import { problemOf, problemType } from "./problem.ts";

/** What any route that asks a service may answer. */
const always: readonly RefusalCode[] = [
  "INVALID_REQUEST",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_ACCEPTABLE",
  "RATE_LIMITED",
  "INTERNAL",
  "OVERLOADED",
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
];
/** What a route may answer besides to a body, be it one that it has no use for. */
const ofBodies: readonly RefusalCode[] = ["REQUEST_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "REQUEST_TIMEOUT"];

export interface About {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
}

interface Parts {
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly body?: TSchema;
  readonly headers?: TSchema;
  readonly response: { readonly [status: number]: TSchema };
}

/** A route's schema and who may call it. The types stay those of `parts`; the noes are for the document alone. */
export function operation<const P extends Parts>(
  about: About,
  roles: readonly Role[],
  parts: P,
  codes: readonly RefusalCode[] = [],
) {
  const mayRefuse = [...always, ...(takesBodies(parts) ? ofBodies : []), ...codes];
  const schema = {
    querystring: nothing,
    ...about,
    tags: [...about.tags],
    security: roles.map((role) => ({ token: [role] })),
    ...parts,
    response: { ...noes(mayRefuse), ...parts.response },
  };
  return { schema: schema as unknown as P, config: { roles } };
}

/** What changes anything has a key; of the other routes none is sent a body, and if it is nobody reads it. */
function takesBodies({ headers }: Parts): boolean {
  return "Idempotency-Key" in ((headers as Partial<TObject>)?.properties ?? {});
}

/** Where nothing can be asked for, a name that is not known is a mistake as anywhere else. */
const nothing = Type.Object({}, { additionalProperties: false });

/** An answer of this shape, described; a `$ref` alone has no room for words. */
export function answer<S extends TSchema>(description: string, schema: S, headers?: object): S {
  const media = { "application/json": { schema } };
  return { description, content: media, ...(headers === undefined ? {} : { headers }) } as unknown as S;
}

export const locationHeader = { Location: { type: "string", description: "Where it is from now on." } };
export const etagHeader = { ETag: { type: "string", description: "Names this very state." } };

/** One response for each status, with an example for each code. */
function noes(codes: readonly RefusalCode[]): Record<string, object> {
  const statuses = [...new Set(codes.map((code) => refusals[code].http))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const here = codes.filter((code) => refusals[code].http === status);
      const examples = here.map((code) => [code, { value: problemOf(new Refusal(code)) }]);
      const headers = headersOf(status);
      return [
        `${status}`,
        {
          description: here.map((code) => `\`${code}\`: ${refusals[code].sentence}`).join("\n\n"),
          content: {
            [problemType]: { schema: { $ref: "Problem#" }, examples: Object.fromEntries(examples) },
          },
          ...(headers === undefined ? {} : { headers }),
        },
      ];
    }),
  );
}

function headersOf(status: number): object | undefined {
  if (status === 401)
    return { "WWW-Authenticate": { type: "string", description: "How to say who you are." } };
  if (status === 429 || status === 503)
    return { "Retry-After": { type: "integer", description: "Seconds after which it may go better." } };
  return undefined;
}
