// What the gateway says about itself: the OpenAPI document and its reader's page, and every kind of problem.
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { type RefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import Type from "typebox";
import type { Gateway } from "./app.ts";
import { accepts } from "./negotiation.ts";
import { typeOf } from "./problem.ts";
import { sayOnce } from "./say-once.ts";
import { shapes } from "./schemas.ts";

const tags = [
  { name: "products", description: "The catalogue." },
  { name: "cart", description: "The caller's own cart." },
  { name: "orders", description: "The caller's own orders." },
  { name: "payments", description: "Paying for them." },
  { name: "me", description: "The caller as a member." },
  { name: "operator", description: "What operators do." },
];

const description = `A checkout people can trust with money.

Amounts are whole numbers in minor units of the deployment's one currency; times are RFC 3339 in UTC; what is absent is left out. Every no is a problem (RFC 9457) whose \`code\` does not change.

Every POST takes an \`Idempotency-Key\`: sent again with the same key it is done once and gets the first answer again, so that it is always safe to ask again.`;

/** Before the routes, which it collects. */
export async function describeRoutes(app: Gateway): Promise<void> {
  for (const shape of shapes) app.addSchema(shape);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Quadrille",
        version: "1.0.0",
        description,
        license: { name: "Apache 2.0", identifier: "Apache-2.0" } as { name: string },
      },
      servers: [{ url: "/", description: "Where this document came from." }],
      tags,
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description: "EdDSA; `role` is `member`, `operator` or `service`, and `sub` says which.",
          },
        },
      },
    },
    transformObject: (parts) => sayOnce("openapiObject" in parts ? parts.openapiObject : parts.swaggerObject),
    refResolver: { buildLocalReference: (shape) => String(shape.$id) },
  });
  await app.register(swaggerUi, { routePrefix: "/docs", uiConfig: { deepLinking: true } });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  problemPages(app);
}

/** Where the `type` of a problem leads. */
function problemPages(app: Gateway): void {
  const all = (Object.keys(refusals) as RefusalCode[]).map(about);
  app.get("/problems", { schema: { hide: true } }, async (request, reply) => {
    if (prefersJson(request.headers.accept)) return { problems: all };
    return reply.type("text/html; charset=utf-8").send(pageOf("Problems", all));
  });
  app.get(
    "/problems/:slug",
    { schema: { hide: true, params: Type.Object({ slug: Type.String() }) } },
    async (request, reply) => {
      const found = all.find(({ type }) => type === `/problems/${request.params.slug}`);
      if (found === undefined) throw new Refusal("ROUTE_UNKNOWN");
      if (prefersJson(request.headers.accept)) return found;
      return reply.type("text/html; charset=utf-8").send(pageOf(found.code, [found]));
    },
  );
}

function about(code: RefusalCode) {
  const { http, grpc, sentence } = refusals[code];
  return { type: typeOf(code), code, status: http, grpc, title: sentence };
}

/** A browser asks for HTML by name; programs take what they get. */
function prefersJson(accept: string | undefined): boolean {
  return accept === undefined || !accept.includes("text/html") || !accepts(accept, "text/html");
}

function pageOf(title: string, problems: readonly ReturnType<typeof about>[]): string {
  const rows = problems.map(
    ({ type, code, status, title: sentence }) =>
      `<tr><td><a href="${type}"><code>${code}</code></a></td><td>${status}</td><td>${escaped(sentence)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><meta name="viewport" content="width=device-width"></head>
<body><h1>${title}</h1><table><thead><tr><th scope="col">code</th><th scope="col">status</th><th scope="col">says</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
