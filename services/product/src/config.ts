// The product service's configuration.
import { readServiceConfig } from "@quadrille/process/service-config";
import { text } from "@quadrille/process/settings";

export const settings = {
  CURRENCY: text({ default: "KRW", meaning: "The one currency of this deployment, ISO 4217." }),
};

export const readProductConfig = (env: NodeJS.ProcessEnv) =>
  readServiceConfig("product", 7002, settings, env);
