// The member service's configuration: nothing of its own beyond what every service has.
import { readServiceConfig } from "@quadrille/process/service-config";

export const settings = {};

export const readMemberConfig = (env: NodeJS.ProcessEnv) => readServiceConfig("member", 7003, settings, env);
