// What the product leaves behind breaks no law: the same audit as in production, at rest.
import { audit, gather } from "@quadrille/audit";
import { report } from "@quadrille/audit/report";
import type { Stack } from "@quadrille/stack";
import { connectAs } from "@quadrille/stack/clients";

/** Answers with the audit's table, and whatever it found, a sentence each. */
export async function auditOf(stack: Stack): Promise<{ readonly table: string; readonly faults: string[] }> {
  await using operator = await connectAs(stack, "operator", "auditor");
  const verdicts = await audit(() => gather((service) => operator.ops[service].readBooks({})), {
    terms: { atRest: true, graceMs: 0 },
    pause: async () => {},
  });
  const faults = verdicts.flatMap(({ findings }) =>
    findings.map(({ law, sentence }) => `${law}: ${sentence}`),
  );
  return { table: report(verdicts), faults };
}
