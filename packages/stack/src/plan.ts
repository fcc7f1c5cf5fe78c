// Every process of the system with its entry and its environment: what a deployment would say, for this machine.
import { join, resolve } from "node:path";
import { type Service, services } from "@quadrille/contracts/events";
import type { DevKeys } from "@quadrille/rpc/devkeys";
import type { Ports } from "./ports.ts";

export interface PlannedProcess {
  /** `order`, or `order-2` for a second replica. */
  readonly name: string;
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Surroundings {
  readonly ports: Ports;
  readonly databases: Readonly<Record<Service, string>>;
  readonly natsUrl: string;
  readonly keys: DevKeys;
  /** File with the order service's own token. */
  readonly tokenFile: string;
  readonly providerDir: string;
  readonly env: NodeJS.ProcessEnv;
}

const root = resolve(import.meta.dirname, "../../..");
export const providerSecret = "test_sk_quadrille_development";

/**
 * What `npm start` adds for whoever looks on, unless they say it themselves: a provider on this machine answers within
 * milliseconds, so one that is silent for three seconds has shown what it was to show. Tests and measurements keep the
 * service's own default, because a busy machine must not put their payments in doubt.
 */
export function demoSettings({ TOSS_TIMEOUT = "3s" }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { TOSS_TIMEOUT };
}

/** What a gRPC client dials to reach every replica of a service in turn. */
export function addressOf(service: Service, ports: Ports): string {
  return `ipv4:${ports.services[service].map((port) => `127.0.0.1:${port}`).join(",")}`;
}

export function providerUrlOf({ provider }: Ports): string {
  return `http://127.0.0.1:${provider}`;
}

export function planProvider({ ports, providerDir, env }: Surroundings): PlannedProcess {
  const entry = join(root, "simulators/toss-payments/src/main.ts");
  const own = { PORT: `${ports.provider}`, SECRET_KEY: providerSecret, DATA_DIR: providerDir };
  return { name: "provider", entry, env: { ...own, ...env } };
}

/** The gateway's processes, each of which reaches every replica of every service. */
export function planGateway({ ports, keys, env }: Surroundings): PlannedProcess[] {
  return ports.gateway.map((port, replica) => ({
    name: nameOf("gateway", replica),
    entry: join(root, "services/gateway/src/main.ts"),
    env: {
      GATEWAY_PORT: `${port}`,
      PRODUCT_ADDRESS: addressOf("product", ports),
      MEMBER_ADDRESS: addressOf("member", ports),
      ORDER_ADDRESS: addressOf("order", ports),
      PAYMENT_ADDRESS: addressOf("payment", ports),
      PAYMENT_WINDOW_URL: `${providerUrlOf(ports)}/window`,
      ...accepting(keys),
      ...env,
    },
  }));
}

export function planServices(around: Surroundings): PlannedProcess[] {
  return services.flatMap((service) =>
    around.ports.services[service].map((port, replica) => ({
      name: nameOf(service, replica),
      entry: join(root, `services/${service}/src/main.ts`),
      env: { ...everyService(around, service, port), ...own(around)[service], ...around.env },
    })),
  );
}

function everyService(
  { databases, natsUrl, keys }: Surroundings,
  service: Service,
  port: number,
): NodeJS.ProcessEnv {
  return {
    RPC_PORT: `${port}`,
    RPC_REFLECTION_FILE: join(root, "packages/contracts/src/gen/descriptors.binpb"),
    DATABASE_URL: databases[service],
    NATS_URL: natsUrl,
    ...accepting(keys),
  };
}

/** Whose tokens a process takes. */
function accepting({ auth, jwksFile }: DevKeys): NodeJS.ProcessEnv {
  return { JWT_ISSUER: auth.issuer, JWT_AUDIENCE: auth.audience, JWT_KEYS: jwksFile };
}

function nameOf(what: string, replica: number): string {
  return replica === 0 ? what : `${what}-${replica + 1}`;
}

function own({ ports, tokenFile }: Surroundings): Record<Service, NodeJS.ProcessEnv> {
  return {
    order: {
      PRODUCT_ADDRESS: addressOf("product", ports),
      MEMBER_ADDRESS: addressOf("member", ports),
      SERVICE_TOKEN_FILE: tokenFile,
    },
    product: {},
    member: {},
    payment: { TOSS_URL: providerUrlOf(ports), TOSS_SECRET_KEY: providerSecret },
  };
}
