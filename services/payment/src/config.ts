// The payment service's configuration.
import { freeze } from "@quadrille/process/config";
import { readServiceConfig } from "@quadrille/process/service-config";
import { duration, integer, secret, text, url } from "@quadrille/process/settings";

export const settings = {
  TOSS_URL: url(["http", "https"], { meaning: "Where the payment provider's API is." }),
  TOSS_SECRET_KEY: secret(text({ meaning: "Our secret key at the provider." })),
  TOSS_TIMEOUT: duration({
    default: "10s",
    meaning: "How long the provider may take to answer; then the outcome is unknown.",
  }),
  TOSS_KEY_LIFE: duration({
    default: "10m",
    meaning: "How long after an attempt began the provider can still take the money for its key.",
  }),
  UNKNOWN_LIMIT: duration({
    default: "1h",
    meaning: "How long a payment may stay in doubt before operators see it; the order service has the same.",
  }),
  TOSS_CONNECTIONS: integer({
    min: 1,
    max: 1000,
    default: "512",
    meaning: "Connections to the provider, at most.",
  }),
};

/** A call ends by itself after TOSS_TIMEOUT; this much later nobody waits for it any more. */
const callMarginSeconds = 2;

export function readPaymentConfig(env: NodeJS.ProcessEnv) {
  const config = readServiceConfig("payment", 7004, settings, env);
  const seconds = (ms: number) => Math.ceil(ms / 1000);
  const policy = {
    callSeconds: seconds(config.own.TOSS_TIMEOUT) + callMarginSeconds,
    keySeconds: seconds(config.own.TOSS_KEY_LIFE),
    unknownSeconds: seconds(config.own.UNKNOWN_LIMIT),
  };
  return freeze({ ...config, policy });
}
