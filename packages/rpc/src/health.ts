// The standard health service: the whole and each service follow readiness, liveness is simply that we answer.

import type { Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

/** The name a liveness probe asks for. It depends on nothing: a restart would not mend a neighbour. */
export const livenessName = "liveness";

const lookEveryMs = 200;

export interface HealthReport extends Disposable {
  /** From here on NOT_SERVING, whatever readiness says: the server is closing. */
  close(): void;
}

/** Looks at `isReady` a few times a second and tells watchers only what changed. */
export function reportHealth(
  server: Server,
  services: readonly string[],
  isReady: () => boolean,
): HealthReport {
  const names = ["", ...services];
  const health = new HealthImplementation({ [livenessName]: "SERVING" });
  let told: boolean | undefined;
  const tell = (ready: boolean) => {
    if (ready === told) return;
    told = ready;
    for (const name of names) health.setStatus(name, ready ? "SERVING" : "NOT_SERVING");
  };
  tell(isReady());
  health.addToServer(server as Parameters<HealthImplementation["addToServer"]>[0]);
  const timer = setInterval(() => tell(isReady()), lookEveryMs).unref();
  const stop = () => clearInterval(timer);
  return {
    close() {
      stop();
      tell(false);
    },
    [Symbol.dispose]: stop,
  };
}
