// The caller as a member.
import type { Gateway } from "./app.ts";
import type { Neighbours } from "./neighbours.ts";
import { answer, operation } from "./operation.ts";
import { Member, PageQuery, PointEntryPage } from "./schemas.ts";
import { given, required, toMember, toPage, toPointEntry } from "./wire.ts";

const member = ["member"] as const;
const tags = ["me"];

export function meRoutes(app: Gateway, neighbours: Neighbours): void {
  const { members } = neighbours;
  app.get(
    "/me",
    operation(
      { operationId: "getMe", tags, summary: "Who the caller is, with their points." },
      member,
      { response: { 200: answer("The member.", Member) } },
      ["MEMBER_UNKNOWN"],
    ),
    async (request, reply) => {
      const found = await members.getMember({ memberId: "" }, neighbours.asCaller(request, reply));
      return toMember(required(found.member, "a member"));
    },
  );
  app.get(
    "/me/points/entries",
    operation(
      { operationId: "listMyPointEntries", tags, summary: "What happened to the points, newest first." },
      member,
      { querystring: PageQuery, response: { 200: answer("A page of the ledger.", PointEntryPage) } },
    ),
    async (request, reply) => {
      const asked = { memberId: "", ...toPage(request.query) };
      const found = await members.listPointEntries(asked, neighbours.asCaller(request, reply));
      return { entries: found.entries.map(toPointEntry), ...given("nextPageToken", found.nextPageToken) };
    },
  );
}
