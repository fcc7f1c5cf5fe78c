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

export function planProvider({ ports, providerDir, env }: Surroundings): PlannedProcess {
  const entry = join(root, "simulators/toss-payments/src/main.ts");
  const own = { PORT: `${ports.provider}`, SECRET_KEY: providerSecret, DATA_DIR: providerDir };
  return { name: "provider", entry, env: { ...own, ...env } };
}

export function planServices(around: Surroundings): PlannedProcess[] {
  return services.flatMap((service) =>
    around.ports.services[service].map((port, replica) => ({
      name: replica === 0 ? service : `${service}-${replica + 1}`,
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
    JWT_ISSUER: keys.auth.issuer,
    JWT_AUDIENCE: keys.auth.audience,
    JWT_KEYS: keys.jwksFile,
  };
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
    payment: { TOSS_URL: `http://127.0.0.1:${ports.provider}`, TOSS_SECRET_KEY: providerSecret },
  };
}
