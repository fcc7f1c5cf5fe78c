// The shapes of the API by their names.
import type { components } from "@quadrille/client/gen/api";

export type Schemas = components["schemas"];
