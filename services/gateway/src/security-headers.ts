// The headers that guard every answer, whether or not a request got as far as a route.
import helmet from "@fastify/helmet";
import Fastify from "fastify";

export type SecurityHeaders = Readonly<Record<string, string>>;

const own = ["'self'"];

/** Helmet's, asked for once: what is refused before any hook runs needs them as well. */
export async function securityHeaders(): Promise<SecurityHeaders> {
  await using asked = Fastify();
  await asked.register(helmet, {
    frameguard: { action: "deny" },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: own,
        imgSrc: [...own, "data:"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: own,
        frameAncestors: ["'none'"],
      },
    },
  });
  asked.get("/", async (_request, reply) => reply.send(reply.getHeaders()));
  return (await asked.inject("/")).json();
}
