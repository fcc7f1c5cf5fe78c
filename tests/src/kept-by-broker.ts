// Whether the broker keeps every fact of every outbox where its row says, asked in the broker's own words.
import { connect } from "@nats-io/transport-node";
import { services } from "@quadrille/contracts/events";
import type { System } from "./system.ts";

/** One sentence for each fact that is not there; nothing is right. */
export async function kept(system: System, natsUrl: string): Promise<string[]> {
  const nc = await connect({ servers: natsUrl });
  try {
    const missing: string[] = [];
    for (const service of services) {
      const rows = await system.query<{ id: string; stream: string; seq: string }>(
        service,
        "select id, stream, seq from outbox",
      );
      for (const { id, stream, seq } of rows) {
        const answer = await nc.request(
          `$JS.API.STREAM.MSG.GET.${stream}`,
          JSON.stringify({ seq: Number(seq) }),
        );
        const headers = answer.json<{ message?: { hdrs?: string } }>().message?.hdrs ?? "";
        if (!Buffer.from(headers, "base64").toString().includes(`Nats-Msg-Id: ${id}\r\n`))
          missing.push(`${stream} does not keep ${id} of ${service} at ${seq}`);
      }
    }
    return missing;
  } finally {
    await nc.close();
  }
}
