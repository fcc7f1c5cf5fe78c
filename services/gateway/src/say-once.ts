// Answers that many operations give alike stand once in the OpenAPI document, so that a change of it is read once.
interface Response {
  readonly content?: Readonly<Record<string, { readonly examples?: object }>>;
}
interface Reference {
  readonly $ref: string;
}
interface Operation {
  responses?: Record<string, Response | Reference>;
}
interface Document {
  paths?: Record<string, Record<string, Operation>>;
  components?: { responses?: Record<string, Response> };
}

/** Moves problems that are said more than once to the components, under the names of their codes. */
export function sayOnce<D extends object>(document: D): D {
  const { paths = {}, components = {} } = document as Document;
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const counts = new Map<string, number>();
  for (const { responses = {} } of operations) {
    for (const response of Object.values(responses)) {
      const name = nameOf(response);
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const once: Record<string, Response> = {};
  for (const { responses = {} } of operations) {
    for (const [status, response] of Object.entries(responses)) {
      const name = nameOf(response);
      if (name === undefined || (counts.get(name) ?? 0) < 2) continue;
      once[name] = response as Response;
      responses[status] = { $ref: `#/components/responses/${name}` };
    }
  }
  const responses = Object.fromEntries(Object.entries(once).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...document, components: { ...components, responses } };
}

/** `OVERLOADED.UNAVAILABLE`; undefined for what is no problem. */
function nameOf(response: Response | Reference): string | undefined {
  if ("$ref" in response) return undefined;
  const { examples } = response.content?.["application/problem+json"] ?? {};
  return examples === undefined ? undefined : Object.keys(examples).join(".");
}
