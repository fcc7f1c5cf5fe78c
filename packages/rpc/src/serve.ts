// Opens a gRPC server over a set of services, and closes it so that calls at work still get their answer.

import { Server } from "@grpc/grpc-js";
import { answerStream, answerUnary, openReception, type Reception } from "./answer.ts";
import type { Auth } from "./auth.ts";
import { type Endings, watchEndings } from "./endings.ts";
import { type HealthReport, reportHealth } from "./health.ts";
import { asIs, cutConnections, limitMetadata, refuseUnknownMethods } from "./inner.ts";
import { defaultLimits, type Limits, serverOptions } from "./limits.ts";
import { addReflection } from "./reflection.ts";
import type { Service } from "./service.ts";
import type { RpcLog } from "./status.ts";
import { type ServerTls, serverCredentials } from "./tls.ts";

export interface ServeConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly auth: Auth;
  readonly log: RpcLog;
  readonly limits?: Partial<Limits> | undefined;
  readonly tls?: ServerTls | undefined;
  /** The path of a descriptor set. Reflection is served only with it, and to anyone: development alone. */
  readonly reflection?: string | undefined;
}

export interface RpcServer extends AsyncDisposable {
  /** `host:port`, as a client dials it. */
  readonly address: string;
  readonly port: number;
  /** Calls at work now. */
  readonly inFlight: { readonly calls: number; readonly watches: number };
}

/**
 * Serves until disposed. Health follows `isReady` and needs no token; every other method needs one and refuses
 * UNAUTHENTICATED or FORBIDDEN. Disposing takes less than `limits.drainMsMax`: nothing new is let in, streams end
 * UNAVAILABLE at once, unary calls finish, and what is left then is cut off.
 */
export async function serve(
  config: ServeConfig,
  services: readonly Service[],
  isReady: () => boolean,
): Promise<RpcServer> {
  const limits = { ...defaultLimits, ...config.limits };
  const names = services.map((one) => one.name);
  const ours = new Set(services.flatMap((one) => one.methods.map((method) => method.definition.path)));
  const endings = watchEndings((path) => ours.has(path));
  const server = new Server({ ...serverOptions(limits), interceptors: [endings.interceptor] });
  limitMetadata(server, limits);
  const reception = openReception(config.auth, limits, config.log);
  for (const one of services) addService(server, one, reception);
  refuseUnknownMethods(server);
  if (config.reflection !== undefined) await addReflection(server, config.reflection, names);
  const health = reportHealth(server, names, isReady);
  const credentials = await serverCredentials(config.tls);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${config.host}:${config.port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  }).catch((error: unknown) => {
    health[Symbol.dispose]();
    throw error;
  });
  return {
    address: `${config.host}:${port}`,
    port,
    get inFlight() {
      return { calls: reception.calls.inside, watches: reception.watches.inside };
    },
    [Symbol.asyncDispose]: () => close(server, health, endings, limits.drainMsMax),
  };
}

/** The handlers take bytes and give bytes: decoding is ours, so that a malformed request is a refusal like any other. */
function addService(server: Server, { methods }: Service, reception: Reception): void {
  for (const method of methods) {
    const { path } = method.definition;
    if (method.kind === "unary") server.register(path, answerUnary(method, reception), asIs, asIs, "unary");
    else server.register(path, answerStream(method, reception), asIs, asIs, "serverStream");
  }
}

async function close(server: Server, health: HealthReport, endings: Endings, drainMs: number): Promise<void> {
  health.close();
  const finished = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  endings.endStreams();
  const force = setTimeout(() => cutConnections(server), drainMs);
  await finished;
  clearTimeout(force);
}
