// What many operations answer alike stands once in the OpenAPI document, so that a change of it is read once.
import { problemType } from "./problem.ts";

interface Response {
  readonly content?: Readonly<Record<string, { readonly examples?: Record<string, object> }>>;
}
interface Operation {
  responses?: Record<string, Response | Reference>;
}
interface Reference {
  readonly $ref: string;
}
interface Document {
  paths?: Record<string, Record<string, Operation>>;
  components?: object;
}

/** Moves the examples of problems to the components, and whole answers that are given more than once. */
export function sayOnce<D extends object>(document: D): D {
  const whole = structuredClone(document); // Parts of it are the routes' own.
  const { paths = {}, components = {} } = whole as Document;
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const given = operations.flatMap(({ responses = {} }) =>
    Object.entries(responses).flatMap(([status, response]) => {
      const examples = examplesOf(response);
      if (examples === undefined) return [];
      return [{ response, examples, name: Object.keys(examples).join("."), responses, status }];
    }),
  );
  const examples: Record<string, object> = {};
  const answers: Record<string, object> = {};
  for (const one of given) {
    for (const [code, example] of Object.entries(one.examples)) {
      examples[code] = example;
      one.examples[code] = { $ref: `#/components/examples/${code}` };
    }
    if (given.filter(({ name }) => name === one.name).length < 2) continue;
    answers[one.name] = one.response;
    one.responses[one.status] = { $ref: `#/components/responses/${one.name}` };
  }
  return {
    ...whole,
    components: { ...components, examples: sorted(examples), responses: sorted(answers) },
  };
}

/** Of a problem, by their codes. */
function examplesOf(response: Response | Reference): Record<string, object> | undefined {
  return "$ref" in response ? undefined : response.content?.[problemType]?.examples;
}

/** By name: a route that moves changes nothing here. */
function sorted(byName: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(byName).sort(([a], [b]) => (a < b ? -1 : 1)));
}
