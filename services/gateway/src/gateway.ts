// The gateway as one Fastify instance: what stands before every route, then the routes.
import type { Server } from "node:http";
import type { Socket } from "node:net";
import cors from "@fastify/cors";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { openHealth } from "@quadrille/process/health";
import type { Log } from "@quadrille/process/log";
import type { Auth } from "@quadrille/rpc/auth";
import Fastify, { type FastifyBaseLogger, LogController } from "fastify";
import type { Gateway } from "./app.ts";
import { authenticate, permitRoles } from "./caller.ts";
import { cartRoutes } from "./cart.routes.ts";
import { describeRoutes } from "./documents.ts";
import { type EventLimits, registerEvents } from "./events.ts";
import { type GatewayLimits, limitCallers, limitRequests } from "./limits.ts";
import { meRoutes } from "./me.routes.ts";
import { negotiate, refuseUnknownRoutes } from "./negotiation.ts";
import type { Neighbours } from "./neighbours.ts";
import { operatorRoutes } from "./operator.routes.ts";
import { orderRoutes } from "./orders.routes.ts";
import { registerPage } from "./page.ts";
import { paymentRoutes } from "./payments.routes.ts";
import { rawProblem, sendThrown } from "./problem.ts";
import { productRoutes } from "./products.routes.ts";
import { type SecurityHeaders, securityHeaders } from "./security-headers.ts";
import { refuseUnreadablePaths, routablePath } from "./unreadable-path.ts";
import { compileValidator } from "./validation.ts";

export interface GatewayParts {
  readonly auth: Auth;
  readonly neighbours: Neighbours;
  readonly log: Log;
  readonly limits: GatewayLimits;
  /** Pages of these origins may call from a browser; none but our own without them. */
  readonly corsOrigins: readonly string[];
  /** Addresses or networks of the proxies whose word about the caller's address is taken. */
  readonly trustedProxies: readonly string[];
  /** Where the buyer pays, for the page; undefined where there is no page to pay on. */
  readonly paymentWindowUrl: string | undefined;
  readonly events: EventLimits;
}

const headerBytesMost = 16 * 1024;

/** Ready for `listen` or `inject`. Closing it ends its streams and lets requests at work finish. */
export async function openGateway(parts: GatewayParts): Promise<Gateway> {
  const guards = await securityHeaders();
  const app = openApp(parts, guards);
  let isClosing = false;
  app.addHook("preClose", async () => {
    isClosing = true;
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isClosing) reply.header("connection", "close"); // Kept alive, it would keep the server open.
  });
  app.decorateRequest("verifiedCaller", null);
  app.setValidatorCompiler(compileValidator as never);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(sendThrown);
  app.addHook("onRequest", async (_request, reply) => void reply.headers(guards));
  bodiesAreJson(app);
  refuseUnknownRoutes(app);
  await shareWithOrigins(app, parts);
  await limitRequests(app, parts.limits);
  answerInOurWords(app, guards);
  await describeRoutes(app);
  healthRoutes(app, () => !isClosing && !app.isUnderPressure());
  await registerPage(app, parts);
  await app.register(async (v1) => versionOne(v1 as Gateway, parts), { prefix: "/v1" });
  return app;
}

function openApp({ log, limits, trustedProxies }: GatewayParts, guards: SecurityHeaders): Gateway {
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: limits.bodyBytesMost,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: {
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
      maxHeaderSize: headerBytesMost,
      requireHostHeader: false, // Node's own no has no words; see `answerInOurWords`.
    },
    forceCloseConnections: "idle",
    return503OnClosing: false, // Who is connected still is answered; nobody new is let in.
    // What Fastify refuses while it looks for a route passes by every hook. So nothing is left for it to refuse:
    // a parameter may be as long as the headers, its schema knows better, and no path is unreadable any more.
    routerOptions: { maxParamLength: headerBytesMost },
    rewriteUrl: ({ url = "/" }) => routablePath(url),
    frameworkErrors: (error, request, reply) => sendThrown(error, request, reply.headers(guards)),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, guards),
  }).withTypeProvider<TypeBoxTypeProvider>();
  const server = app.server as Server;
  server.maxConnections = limits.connectionsMost;
  return app as Gateway;
}

/** What is no HTTP request, or took too long to become one, is told so in the same words. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket, guards: SecurityHeaders): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) return void socket.destroy();
  socket.end(rawProblem(clientErrors[error.code ?? ""] ?? "INVALID_REQUEST", guards));
}

const clientErrors: Readonly<Record<string, RefusalCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
};

/** What Node or Fastify would turn away in other words, or not at all; after the limits, so that it counts. */
function answerInOurWords(app: Gateway, guards: SecurityHeaders): void {
  app.addHook("onRequest", async ({ raw }) => {
    const hosts = raw.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
    if (hosts > 1) throw badHost("may be given once");
    if (hosts === 0 && raw.httpVersion === "1.1") throw badHost("is required");
  });
  refuseUnreadablePaths(app);
  // Whoever expects what nobody knows gets what everybody gets.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  app.server.on("connect", (_request, socket) => {
    socket.on("error", () => socket.destroy()); // Gone before they heard it.
    socket.end(rawProblem("HTTP_METHOD_UNKNOWN", { allow: "", ...guards }));
  });
}

function badHost(description: string): Refusal {
  return new Refusal("INVALID_REQUEST", { violations: [{ field: "Host", description }] });
}

/** JSON alone. A client that names the type of a body it does not send means no body. */
function bodiesAreJson(app: Gateway): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, text, done) => {
    if (text === "") done(null, undefined);
    else parse(request, text as string, done);
  });
}

async function shareWithOrigins(app: Gateway, { corsOrigins }: GatewayParts): Promise<void> {
  if (corsOrigins.length === 0) return;
  await app.register(cors, {
    origin: [...corsOrigins],
    methods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    exposedHeaders: ["ETag", "Location", "Retry-After", "WWW-Authenticate"],
    maxAge: 600,
    strictPreflight: false,
  });
}

function healthRoutes(app: Gateway, isServing: () => boolean): void {
  const health = openHealth({ serving: isServing });
  app.get("/health/live", { schema: { hide: true } }, async () => ({ live: true }));
  app.get("/health/ready", { schema: { hide: true } }, async (_request, reply) => {
    const report = health.report();
    return reply.code(report.ready ? 200 : 503).send(report);
  });
}

/** Everything below needs a token; the order of the hooks is the order of their cost. */
async function versionOne(v1: Gateway, parts: GatewayParts): Promise<void> {
  v1.addHook("onRequest", negotiate);
  v1.addHook("onRequest", authenticate(parts.auth));
  limitCallers(v1, parts.limits);
  v1.addHook("onRequest", permitRoles);
  v1.addHook("onSend", async (_request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });
  productRoutes(v1, parts.neighbours);
  cartRoutes(v1, parts.neighbours);
  orderRoutes(v1, parts.neighbours);
  registerEvents(v1, { ...parts.neighbours, limits: parts.events, log: parts.log });
  paymentRoutes(v1, parts.neighbours);
  meRoutes(v1, parts.neighbours);
  operatorRoutes(v1, parts.neighbours);
}
