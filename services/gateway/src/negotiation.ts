// What a caller accepts, and what a path is asked with: 406, 404 and 405 before anything else is done.
import { Refusal } from "@quadrille/decider";
import type { FastifyReply, FastifyRequest, HTTPMethods, onRequestAsyncHookHandler } from "fastify";
import type { Gateway } from "./app.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The media type of the route's answers; `application/json` unless it says otherwise. */
    readonly answers?: string;
  }
}

/** An `onRequest` hook: refuses NOT_ACCEPTABLE. */
export const negotiate: onRequestAsyncHookHandler = async (request) => {
  const { answers = "application/json" } = request.routeOptions.config;
  if (!accepts(request.headers.accept, answers)) throw new Refusal("NOT_ACCEPTABLE");
};

/** RFC 9110: the most specific range that fits decides; without the header everything is welcome. */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === "") return true;
  const [family] = type.split("/");
  const ranges = header.split(",").map((range) => {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    return { name, isWelcome: q === undefined || Number(q) > 0 };
  });
  for (const name of [type, `${family}/*`, "*/*"]) {
    const range = ranges.find((one) => one.name === name);
    if (range !== undefined) return range.isWelcome;
  }
  return false;
}

/** Collects every route from now on, and answers what none of them takes: 405 where another method would do. */
export function refuseUnknownRoutes(app: Gateway): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly HTTPMethods[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    if (url === "*") return; // What answers preflights is no thing at a path.
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  app.setNotFoundHandler(async (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split("?", 1)[0] as string;
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    if (methods.length === 0 || methods.includes(request.method as HTTPMethods))
      throw new Refusal("ROUTE_UNKNOWN");
    reply.header("allow", [...new Set(methods)].sort().join(", "));
    throw new Refusal("HTTP_METHOD_UNKNOWN");
  });
}

function patternOf(url: string): RegExp {
  const steps = url.split("/").map((step) => {
    if (step.startsWith(":")) return "[^/]+";
    return step === "*" ? ".*" : step.replaceAll(/[^\w-]/g, "\\$&");
  });
  return new RegExp(`^${steps.join("/")}$`);
}
