// The face of the package: servers and services as child processes that never outlive their parent.
export { findNatsServer } from "./find-nats-server.ts";
export { freePort, freePorts } from "./free-port.ts";
export { type Nats, type NatsOptions, startNats } from "./nats.ts";
export { type Postgres, type PostgresOptions, startPostgres } from "./postgres.ts";
export { type Service, type ServiceOptions, startService } from "./service.ts";
