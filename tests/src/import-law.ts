// Who may import what. Every ban names what to do instead, because a "no" alone teaches nothing.

export interface Ban {
  /** The files it binds, by their path in the repository. */
  readonly files: RegExp;
  readonly except?: RegExp;
  /** What they may not import: a package name, or the path of a file of this repository. */
  readonly never: RegExp;
  /** True where a type may be imported all the same. */
  readonly typesAllowed?: true;
  readonly instead: string;
}

/** Tests, and what only tests import. */
export const anyTest = /\.test\.ts$|\/testing\/|[/.]contract\.ts$/;
const bus = /^(@quadrille\/bus|@nats-io)\b/;
const orm = /^(@mikro-orm|pg$|kysely)/;
const rpc = /^(@quadrille\/rpc|@grpc)\b/;

/** Which files of a service hold its decisions cannot be told by the name alone: see `coresOf`. */
export const coreNever =
  /^(node:|@mikro-orm|@nats-io|@grpc|@opentelemetry|pg$|pino|uuid|opossum|@quadrille\/(?!decider|contracts))/;
export const coreInstead = "a decision gets what it needs as a parameter: its state, an input, the time";

export const bans: readonly Ban[] = [
  {
    files: /^services\/[^/]+\/src\/.*\.store\.ts$/,
    never: /^(@quadrille\/(bus|rpc)|@nats-io|@grpc)\b|^node:https?$/,
    instead: "say it as a fact in the outbox: a remote call must not be inside a transaction",
  },
  {
    files: /^services\/[^/]+\/src\/.*\.rpc\.ts$/,
    never: new RegExp(`${bus.source}|${orm.source}`),
    instead: "ask the store, which is passed in",
  },
  {
    files: /^services\/[^/]+\/src\/subscriptions\.ts$/,
    never: new RegExp(`${rpc.source}|${orm.source}`),
    instead: "hand the input to the store, which is passed in",
  },
  {
    files: /^services\/[^/]+\/src\/(.*\.rpc|subscriptions)\.ts$/,
    never: /\.store\.ts$/,
    typesAllowed: true,
    instead: "import the store's type; main.ts passes the store in",
  },
  {
    files: /^services\//,
    except: anyTest,
    never:
      /^@quadrille\/(order|product|member|payment|gateway|export|toss-payments-simulator|data-platform)\b/,
    instead: "services know each other by their contracts alone: hear a fact or ask over gRPC",
  },
  {
    files: /^packages\//,
    except: /^packages\/stack\/|\.test\.ts$/,
    never: /^@quadrille\/(order|product|member|payment|gateway|export)\b|^services\//,
    instead: "a package serves every service: take what differs as a parameter",
  },
  {
    files: /^simulators\//,
    never: /^@quadrille\/|^(services|packages)\//,
    instead: "a simulator shares nothing with what is tested against it: write it down a second time",
  },
  {
    files: /^packages\/decider\//,
    except: anyTest,
    never: /^(?!packages\/decider\/|node:assert)/,
    instead: "the decider depends on nothing",
  },
  {
    files: /^packages\/contracts\/src\/(?!gen\/)/,
    except: anyTest,
    never: /^@quadrille\/(?!decider|contracts)/,
    instead: "contracts are what others build on: move the code to the package that needs it",
  },
  {
    files: /^packages\/outbox\//,
    except: anyTest,
    never: new RegExp(`${bus.source}|${rpc.source}`),
    instead: "the relay takes a `publish` function",
  },
  {
    files: /^packages\/bus\//,
    except: anyTest,
    never: new RegExp(`${orm.source}|${rpc.source}|^@quadrille/outbox\\b`),
    instead: "a subscription calls the handler it was given",
  },
  {
    files: /^packages\/rpc\//,
    except: anyTest,
    never: new RegExp(`${orm.source}|${bus.source}|^@quadrille/outbox\\b`),
    instead: "a method calls the function it was given",
  },
  {
    files: /^(packages\/(?!bus\/)|services\/|simulators\/)/,
    except: anyTest,
    never: /^@nats-io\b/,
    instead: "packages/bus is the only one that knows NATS: publish and hear through it",
  },
  {
    files: /^(packages|services|simulators)\/(?!rpc\/src\/breaker\.ts)/,
    except: /\.test\.ts$/,
    never: /^opossum$/,
    instead: "packages/rpc/src/breaker.ts is the only one that knows opossum: use `breaker`",
  },
];
