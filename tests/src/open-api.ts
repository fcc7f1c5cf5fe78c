// The gateway's routes as its own document tells them, ready to be asked: what the document does not name is not tried.

/** The part of JSON Schema that the document uses. */
export interface Schema {
  readonly type?: "string" | "integer" | "number" | "boolean" | "array" | "object";
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly additionalProperties?: boolean;
  /** Which of the properties go together. */
  readonly oneOf?: readonly { readonly required: readonly string[] }[];
}

export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Operation {
  /** `POST /v1/orders/{orderId}/cancel`. */
  readonly name: string;
  readonly method: string;
  /** `/v1/orders/{orderId}/cancel`. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  /** Who may call it. */
  readonly roles: readonly string[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** What stands beside the operations; the document, which is for clients, leaves it out. */
export const openToAll = [
  "/",
  "/shop.json",
  "/openapi.json",
  "/docs",
  "/health/live",
  "/health/ready",
  "/problems",
];

export async function operationsOf(gatewayUrl: string): Promise<readonly Operation[]> {
  const response = await fetch(`${gatewayUrl}/openapi.json`);
  if (!response.ok) throw new Error(`the document was answered with ${response.status}`);
  const { paths } = (await response.json()) as Document;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters: described.parameters ?? [],
      body: described.requestBody?.content["application/json"]?.schema,
      roles: (described.security ?? []).flatMap((one) => Object.values(one).flat()),
    })),
  );
}

/** `/v1/orders/{orderId}` with its places filled in. */
export function pathWith(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing stands for ${name} of ${path}`);
    return value;
  });
}
