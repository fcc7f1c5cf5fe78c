// The order service's configuration.
import { freeze } from "@quadrille/process/config";
import { readServiceConfig } from "@quadrille/process/service-config";
import { duration, integer, optional, text } from "@quadrille/process/settings";

export const settings = {
  CURRENCY: text({ default: "KRW", meaning: "The one currency of this deployment, ISO 4217." }),
  MINIMUM_CHARGE: integer({
    min: 0,
    max: 1_000_000_000,
    default: "100",
    meaning: "What the payment provider charges at the least, in minor units; 0 for any amount.",
  }),
  PRODUCT_ADDRESS: text({
    default: "127.0.0.1:7002",
    meaning: "Where the product service is: `host:port` or `dns:///name:port`.",
  }),
  MEMBER_ADDRESS: text({ default: "127.0.0.1:7003", meaning: "Where the member service is." }),
  LOOK_UP_TIMEOUT: duration({ default: "800ms", meaning: "How long a look-up at a neighbour may take." }),
  LOOK_UP_CA_FILE: optional(
    text({
      meaning:
        "PEM authority of the neighbours; with it they are called over TLS, with our own certificate shown.",
    }),
  ),
  SERVICE_TOKEN_FILE: text({ meaning: "File with this service's own token; read again when it changes." }),
  BACKLOG_MOST: integer({
    min: 1,
    max: 10_000_000,
    default: "50000",
    meaning: "Facts that may wait for the broker; beyond it no order is accepted.",
  }),
  PENDING_DEADLINE: duration({ default: "60s", meaning: "How long the holds of an order may take." }),
  PAY_WINDOW: duration({ default: "10m", meaning: "How long the buyer may take to pay, at most." }),
  UNKNOWN_LIMIT: duration({ default: "1h", meaning: "How long a payment may stay in doubt." }),
  HOLD_SLACK: duration({ default: "24h", meaning: "How much longer than all of that a hold lasts." }),
};

export function readOrderConfig(env: NodeJS.ProcessEnv) {
  const config = readServiceConfig("order", 7001, settings, env);
  const seconds = (ms: number) => Math.ceil(ms / 1000);
  const policy = {
    pendingSeconds: seconds(config.own.PENDING_DEADLINE),
    payWithinSeconds: seconds(config.own.PAY_WINDOW),
    unknownSeconds: seconds(config.own.UNKNOWN_LIMIT),
    slackSeconds: seconds(config.own.HOLD_SLACK),
  };
  const caFile = config.own.LOOK_UP_CA_FILE;
  const { certFile, keyFile } = config.rpc.tls ?? {};
  const lookUpTls = caFile === undefined ? undefined : { caFile, certFile, keyFile };
  return freeze({ ...config, policy, lookUpTls });
}
