// Who speaks to the services as an operator, and where they are: what `npm run ops` and `npm run audit` take from the environment.
//
// ORDER_ADDRESS, PRODUCT_ADDRESS, MEMBER_ADDRESS, PAYMENT_ADDRESS    where each service is, 127.0.0.1:7001 to 7004
// ORDER_CA_FILE, PRODUCT_CA_FILE, MEMBER_CA_FILE, PAYMENT_CA_FILE    PEM authority of each that is called over TLS
// OPERATOR_TOKEN    who you are; without it, an operator of the system that npm start keeps in DATA_DIR, .data
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "@quadrille/contracts/events";
import { isRefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { client, type RpcClient } from "@quadrille/rpc";
import { openDevKeys } from "@quadrille/rpc/devkeys";
import type { Definition } from "@quadrille/rpc/service";

const ports: Readonly<Record<Service, number>> = { order: 7001, product: 7002, member: 7003, payment: 7004 };
const deadlineMs = 10_000;

export async function operatorToken(): Promise<string> {
  return process.env.OPERATOR_TOKEN ?? (await developmentToken());
}

/** Only where `npm start` has made keys: no system is made up by asking about it. */
async function developmentToken(): Promise<string> {
  const folder = join(process.env.DATA_DIR ?? join(import.meta.dirname, "../.data"), "keys");
  if (!existsSync(folder)) throw new Error("OPERATOR_TOKEN: expected the token of an operator");
  return await (await openDevKeys(folder)).mintToken({ sub: "operator", role: "operator" });
}

export async function connect<D extends Definition>(
  definition: D,
  service: Service,
  token: string,
): Promise<RpcClient<D>> {
  const name = service.toUpperCase();
  const caFile = process.env[`${name}_CA_FILE`];
  return await client(definition, {
    address: process.env[`${name}_ADDRESS`] ?? `127.0.0.1:${ports[service]}`,
    token: () => token,
    deadlineMs,
    tls: caFile === undefined ? undefined : { caFile },
  });
}

/** An error as a person reads it: a refusal with its code, its sentence and the fields at fault. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Refusal)) return error instanceof Error ? error.message : String(error);
  const { code, violations } = error;
  const fields = violations.map(({ field, description }) => `\n  ${field} ${description}`).join("");
  return `${code}: ${isRefusalCode(code) ? refusals[code].sentence : ""}${fields}`;
}
