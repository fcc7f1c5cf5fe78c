// Members and their points over gRPC: everyone sees their own, operators and services those they name.
import {
  AdjustPointsResponse,
  CreateMemberResponse,
  type Member,
  MemberServiceService,
} from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { Refusal, type Rows, row } from "@quadrille/decider";
import { fields, type Service, service } from "@quadrille/rpc";
import { cutPage, pageOf } from "@quadrille/rpc/page";
import { memberOf, reply, requestCause } from "@quadrille/rpc/request";
import type { BenefitStore } from "./benefits.store.ts";
import { type BenefitTables, type KnownMember, pointsMost } from "./benefits.ts";

const everyone = ["member", "operator", "service"] as const;

export function benefitsRpc(store: BenefitStore): Service {
  return service(
    MemberServiceService,
    {
      async createMember(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const memberId = read.id("member_id", request.memberId);
        const name = read.text("name", request.name, { max: 100 });
        read.done();
        const answer = reply(CreateMemberResponse, decided(memberId));
        return await store.handle(
          { type: "CreateMember", memberId, name },
          requestCause("CreateMember", requestId, call),
          answer,
        );
      },
      async getMember(request, call) {
        const memberId = memberOf(call.caller, request.memberId);
        const member = await store.member(memberId);
        if (member === undefined) throw new Refusal("MEMBER_UNKNOWN");
        return { member: toMessage(memberId, member) };
      },
      async adjustPoints(request, call) {
        const read = fields();
        const requestId = read.requestId(request.requestId);
        const memberId = read.id("member_id", request.memberId);
        const points = read.integer("points", request.points, { min: -pointsMost, max: pointsMost });
        read.check("points", points !== 0n, "is nothing");
        const note = read.text("note", request.note, { max: 200 });
        read.done();
        const answer = reply(AdjustPointsResponse, decided(memberId));
        const cause = requestCause("AdjustPoints", requestId, call);
        return await store.handle({ type: "AdjustPoints", memberId, points, note }, cause, answer);
      },
      async listPointEntries(request, call) {
        const memberId = memberOf(call.caller, request.memberId);
        const wanted = pageOf(request);
        const before = wanted.after === undefined ? undefined : numberOf(wanted.after);
        const found = await store.transfers(memberId, { before, most: wanted.size + 1 });
        const { page, nextPageToken } = cutPage(found, wanted, (transfer) => `${transfer.number}`);
        const entries = page.map(({ from, to, points, orderId, note, at }) => {
          return { from: from.toUpperCase(), to: to.toUpperCase(), points, orderId: orderId ?? "", note, at };
        });
        return { entries, nextPageToken };
      },
    },
    {
      createMember: ["operator"],
      getMember: everyone,
      adjustPoints: ["operator"],
      listPointEntries: everyone,
    },
  );
}

function decided(memberId: string) {
  return (rows: Rows<BenefitTables>) => {
    const member = row(rows.members, memberId);
    return { member: member.status === "known" ? toMessage(memberId, member) : undefined };
  };
}

function toMessage(memberId: string, { name, available, held, spent }: KnownMember): Member {
  return { memberId, name, points: { available, held, spent } };
}

function numberOf(token: string): bigint {
  if (/^\d{1,18}$/.test(token)) return BigInt(token);
  throw new Refusal("INVALID_REQUEST", {
    violations: [{ field: "page_token", description: "is not one that was given" }],
  });
}
