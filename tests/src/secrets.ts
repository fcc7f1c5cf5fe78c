// Looks for what must never stand in a log: tokens, payment keys, the provider's key, the database's password.
import { services } from "@quadrille/contracts/events";
import { providerSecret } from "@quadrille/stack/plan";
import type { System } from "./system.ts";

/** Secrets every system has, and those a test has used besides. */
export function secretsOf({ stack, operator }: System, more: readonly string[]): readonly string[] {
  const passwords = services.map((service) => new URL(stack.databases[service]).password);
  const basic = Buffer.from(`${providerSecret}:`).toString("base64");
  // Of a token the signature is what must not be seen; a part of it gives away as much as the whole.
  const signatures = [operator.token, ...more].map((secret) => secret.split(".").at(-1) ?? "");
  return [...new Set([...passwords, basic, providerSecret, ...signatures])].filter(
    (secret) => secret.length >= 8,
  );
}

/** The lines of any process that hold one of the secrets. */
export function leaks({ log }: System, secrets: readonly string[]): string[] {
  return log
    .filter(({ text }) => secrets.some((secret) => text.includes(secret)))
    .map(({ process, text }) => `${process}: ${text}`);
}
