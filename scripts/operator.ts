// Who speaks to the services as an operator, and where they are: what `npm run ops` and `npm run audit` take from the environment.
//
// PORT_BASE    where the row of ports begins on this machine, as for npm start: 7000, and the services are at 7001 to 7004
// ORDER_ADDRESS, PRODUCT_ADDRESS, MEMBER_ADDRESS, PAYMENT_ADDRESS    where a service is, if not there
// ORDER_CA_FILE, PRODUCT_CA_FILE, MEMBER_CA_FILE, PAYMENT_CA_FILE    PEM authority of each that is called over TLS
// OPERATOR_TOKEN    who you are; without it, an operator of the system that npm start keeps in DATA_DIR, .data
import type { Service } from "@quadrille/contracts/events";
import { isRefusalCode, refusals } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { client, type RpcClient } from "@quadrille/rpc";
import type { Definition } from "@quadrille/rpc/service";
import { portInRow } from "@quadrille/stack/ports";
import { dataDirOf, developmentKeys } from "./development-keys.ts";
import { readFirstPort } from "./first-port.ts";

const deadlineMs = 10_000;

export async function operatorToken(): Promise<string> {
  return process.env.OPERATOR_TOKEN ?? (await developmentToken());
}

async function developmentToken(): Promise<string> {
  const keys = await developmentKeys(dataDirOf(process.env));
  if (keys === undefined) throw new Error("OPERATOR_TOKEN: expected the token of an operator");
  return await keys.mintToken({ sub: "operator", role: "operator" });
}

export async function connect<D extends Definition>(
  definition: D,
  service: Service,
  token: string,
): Promise<RpcClient<D>> {
  const caFile = process.env[`${service.toUpperCase()}_CA_FILE`];
  return await client(definition, {
    address: addressOf(service),
    token: () => token,
    deadlineMs,
    tls: caFile === undefined ? undefined : { caFile },
  });
}

function addressOf(service: Service): string {
  const port = () => portInRow(readFirstPort(process.env), service);
  return process.env[`${service.toUpperCase()}_ADDRESS`] ?? `127.0.0.1:${port()}`;
}

/** Throws when another service answers where this one is looked for: what it says would be taken for this one's. */
export function needAnswerOf(service: Service, answering: string): void {
  if (answering === service) return;
  const setting = `${service.toUpperCase()}_ADDRESS`;
  throw new Error(
    `${setting}: expected the ${service} service at ${addressOf(service)}, but ${answering} answers`,
  );
}

/** An error as a person reads it: a refusal with its code, its sentence and the fields at fault. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Refusal)) return error instanceof Error ? error.message : String(error);
  const { code, violations } = error;
  const fields = violations.map(({ field, description }) => `\n  ${field} ${description}`).join("");
  return `${code}: ${isRefusalCode(code) ? refusals[code].sentence : ""}${fields}`;
}
