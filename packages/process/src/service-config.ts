// The settings every service has, and the groups in which its parts take them.
import { type Config, ConfigError, freeze, readConfig, type Settings } from "./config.ts";
import { levels } from "./log.ts";
import { duration, flag, integer, oneOf, optional, port, secret, text, url } from "./settings.ts";

/** The variables every service reads. Only the port differs. */
export const serviceSettings = (rpcPort: number) =>
  ({
    RPC_HOST: text({ default: "127.0.0.1", meaning: "Address on which gRPC is served." }),
    RPC_PORT: port({ default: `${rpcPort}`, meaning: "Port on which gRPC is served; 0 takes a free one." }),
    RPC_TLS_CERT_FILE: optional(text({ meaning: "PEM certificate; with its key, gRPC is served over TLS." })),
    RPC_TLS_KEY_FILE: optional(text({ meaning: "PEM key of the certificate." })),
    RPC_TLS_CLIENT_CA_FILE: optional(
      text({ meaning: "PEM authority; with it clients must show a certificate." }),
    ),
    RPC_REFLECTION_FILE: optional(
      text({ meaning: "Descriptor set; with it reflection is served, to anyone." }),
    ),
    DATABASE_URL: secret(url(["postgres", "postgresql"], { meaning: "The service's own database." })),
    DATABASE_POOL: integer({
      min: 2,
      max: 100,
      default: "8",
      meaning: "Connections to the database, at most.",
    }),
    NATS_URL: url(["nats", "tls"], { default: "nats://127.0.0.1:4222", meaning: "The broker." }),
    NATS_USER: optional(text({ meaning: "User at the broker." })),
    NATS_PASSWORD: optional(secret(text({ meaning: "Password at the broker." }))),
    NATS_REPLICAS: integer({ min: 1, max: 5, default: "1", meaning: "Brokers that keep each stream." }),
    JWT_ISSUER: text({ meaning: "Who signs the tokens that are accepted." }),
    JWT_AUDIENCE: text({ default: "quadrille", meaning: "For whom those tokens are made." }),
    JWT_KEYS: text({ meaning: "The public keys: path or http(s) URL of a JWKS." }),
    GROUP_MOST: integer({
      min: 1,
      max: 1000,
      default: "256",
      meaning: "Inputs decided in one transaction, at most.",
    }),
    RELAY_SWEEP: duration({ default: "5s", meaning: "How often facts left unpublished are looked for." }),
    DELIVER_TWICE: flag({
      default: "false",
      meaning: "Development: every fact is handled twice, to prove the inbox.",
    }),
    LOG_LEVEL: oneOf(levels, { default: "info", meaning: "The least level that is logged." }),
  }) as const satisfies Settings;

/** A service's configuration, grouped by the part that takes it, with the service's own variables beside. Throws `ConfigError`. */
export function readServiceConfig<Own extends Settings>(
  name: string,
  rpcPort: number,
  own: Own,
  env: Readonly<Record<string, string | undefined>>,
) {
  const values = readWhole({ ...serviceSettings(rpcPort), ...own }, env) as Config<
    ReturnType<typeof serviceSettings> & Own
  >;
  const {
    RPC_TLS_CERT_FILE: certFile,
    RPC_TLS_KEY_FILE: keyFile,
    RPC_TLS_CLIENT_CA_FILE: clientCaFile,
  } = values;
  return freeze({
    own: values as Config<Own>,
    log: { service: name, level: values.LOG_LEVEL },
    database: { url: values.DATABASE_URL, poolMost: values.DATABASE_POOL, name },
    most: values.GROUP_MOST,
    bus: {
      servers: [values.NATS_URL],
      name,
      user: values.NATS_USER,
      pass: values.NATS_PASSWORD,
      replicas: values.NATS_REPLICAS,
    },
    deliverTwice: values.DELIVER_TWICE,
    sweepMs: values.RELAY_SWEEP,
    auth: { issuer: values.JWT_ISSUER, audience: values.JWT_AUDIENCE, jwks: values.JWT_KEYS },
    rpc: {
      host: values.RPC_HOST,
      port: values.RPC_PORT,
      reflection: values.RPC_REFLECTION_FILE,
      tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile, clientCaFile } : undefined,
    },
  });
}

/** Settings that only mean something together; half of them would silently be none. */
const together = [
  ["RPC_TLS_CERT_FILE", "RPC_TLS_KEY_FILE"],
  ["RPC_TLS_KEY_FILE", "RPC_TLS_CERT_FILE"],
  ["RPC_TLS_CLIENT_CA_FILE", "RPC_TLS_CERT_FILE"],
  ["NATS_USER", "NATS_PASSWORD"],
  ["NATS_PASSWORD", "NATS_USER"],
] as const;

function readWhole(settings: Settings, env: Readonly<Record<string, string | undefined>>): object {
  const faults = together
    .filter(([given, needed]) => env[given] && !env[needed])
    .map(([given, needed]) => `${needed}: expected beside ${given}; it is not set`);
  try {
    const values = readConfig(settings, env);
    if (faults.length === 0) return values;
  } catch (error) {
    if (error instanceof ConfigError) faults.unshift(...error.faults);
    else throw error;
  }
  throw new ConfigError(faults);
}
