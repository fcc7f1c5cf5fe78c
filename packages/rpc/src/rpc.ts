// The face of this package: what a service file, a main file and a caller of a neighbour need.

export type { Caller, Role } from "./auth.ts";
export { openAuth } from "./auth.ts";
export type { RpcClient } from "./client.ts";
export { client } from "./client.ts";
export { type ServeConfig, serve } from "./serve.ts";
export type { Access, Call, Handlers, Service } from "./service.ts";
export { service } from "./service.ts";
export { RpcError } from "./status.ts";
export { fields } from "./validate.ts";
