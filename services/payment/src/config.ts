// The payment service's configuration.
import { readServiceConfig } from "@quadrille/process/service-config";
import { duration, integer, secret, text, url } from "@quadrille/process/settings";

export const settings = {
  TOSS_URL: url(["http", "https"], { meaning: "Where the payment provider's API is." }),
  TOSS_SECRET_KEY: secret(text({ meaning: "Our secret key at the provider." })),
  TOSS_TIMEOUT: duration({
    default: "10s",
    meaning: "How long the provider may take to answer; then the outcome is unknown.",
  }),
  TOSS_CONNECTIONS: integer({
    min: 1,
    max: 1000,
    default: "512",
    meaning: "Connections to the provider, at most.",
  }),
};

export const readPaymentConfig = (env: NodeJS.ProcessEnv) =>
  readServiceConfig("payment", 7004, settings, env);
