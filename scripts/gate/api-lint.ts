// Holds the OpenAPI document to Redocly's recommended rules, warnings included, and to those of this house.
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";

/** Beyond the recommended ones; none of those is switched off. */
const rules = {
  "component-name-unique": "error",
  "no-http-verbs-in-paths": "error",
  "no-invalid-media-type-examples": "error",
  "no-invalid-parameter-examples": "error",
  "no-invalid-schema-examples": "error",
  "operation-4xx-problem-details-rfc7807": "error",
  "operation-singular-tag": "error",
  "operation-tag-defined": "error",
  "parameter-description": "error",
  "path-params-defined": "error",
  "paths-kebab-case": "error",
} as const;

/** A line for each fault, with its place in the document. */
export async function apiFaults(path: string): Promise<readonly string[]> {
  const config = await createConfig({ extends: ["recommended"], rules });
  const problems = await lintFromString({
    source: readFileSync(path, "utf8"),
    absoluteRef: path,
    config,
  });
  return problems.map(
    ({ ruleId, message, location: [where] }) => `${path}${where?.pointer ?? ""}: ${message} (${ruleId})`,
  );
}
