// The gateway in somebody's name, with the paths, bodies and answers of its OpenAPI document as types.
import createClient, {
  type Client,
  type ClientPathsWithMethod,
  type MaybeOptionalInit,
  type MethodResponse,
} from "openapi-fetch";
import { type AskConfig, openAsker } from "./ask.ts";
import type { components, paths } from "./gen/api.ts";
import { type OrderNews, type WatchOptions, watchOrder } from "./watch-order.ts";

export { NoAnswer, Problem } from "./problem.ts";
export type { OrderNews } from "./watch-order.ts";

/** The named shapes: `Schemas["Order"]`. */
export type Schemas = components["schemas"];

export interface ClientConfig extends AskConfig {
  /** Scheme, host and port. */
  readonly baseUrl: string;
}

/** The client sets the headers; its own key for a request is left out of what a caller must give. */
type WithoutHeaders<Operation> = Operation extends { parameters: infer P }
  ? Omit<Operation, "parameters"> & { parameters: Omit<P, "header"> & { header?: never } }
  : Operation;
type Paths = {
  [Path in keyof paths]: {
    [Method in keyof paths[Path]]: Method extends "parameters"
      ? paths[Path][Method]
      : WithoutHeaders<paths[Path][Method]>;
  };
};
type Method = "get" | "post" | "patch" | "delete";

/**
 * Resolves with what the gateway did. Rejects with a `Problem` when it says no, `NoAnswer` when it says nothing, and
 * the signal's reason when that aborts.
 */
export type Ask<M extends Method> = <
  Path extends ClientPathsWithMethod<Client<Paths>, M>,
  Init extends MaybeOptionalInit<Paths[Path], M>,
>(
  path: Path,
  ...init: undefined extends Init ? [Init?] : [Init]
) => Promise<{ readonly data: MethodResponse<Client<Paths>, M, Path>; readonly response: Response }>;

export interface GatewayClient {
  readonly GET: Ask<"get">;
  /** `headers: { "Idempotency-Key": key }` makes a call the same request as an earlier one. */
  readonly POST: Ask<"post">;
  readonly PATCH: Ask<"patch">;
  readonly DELETE: Ask<"delete">;
  /**
   * Each change of an order once and in order, as it happens, over as many connections as it takes. Ends when nothing
   * can change any more; rejects like a call, and when nothing was heard of the gateway for too long.
   */
  watchOrder(orderId: string, options?: WatchOptions): AsyncGenerator<OrderNews, void>;
}

export function openClient({ baseUrl, ...config }: ClientConfig): GatewayClient {
  const asker = openAsker(config);
  const { GET, POST, PATCH, DELETE } = createClient<Paths>({ baseUrl, fetch: asker.ask });
  return {
    ...({ GET, POST, PATCH, DELETE } as unknown as Pick<GatewayClient, Uppercase<Method>>), // A no never gets as far.
    watchOrder: (orderId, options) => watchOrder(asker, baseUrl, orderId, options),
  };
}
