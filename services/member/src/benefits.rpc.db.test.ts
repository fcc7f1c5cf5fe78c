import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import { openTestStore } from "@quadrille/outbox/testing/test-store";
import type { RpcClient } from "@quadrille/rpc";
import { openServed, refusalOf } from "@quadrille/rpc/testing/served";
import { benefitsRpc } from "./benefits.rpc.ts";
import { openBenefitStore } from "./benefits.store.ts";
import { pointsMost } from "./benefits.ts";
import { migrations } from "./migrations.ts";

type Client = RpcClient<typeof MemberServiceService>;
const open = new AsyncDisposableStack();
let operator: Client;
let service: Client;
let memberAs: (id: string) => Promise<Client>;
let lines: readonly unknown[];

beforeAll(async () => {
  const { store } = open.use(await openTestStore("member", migrations, openBenefitStore));
  const served = open.use(await openServed(MemberServiceService, [benefitsRpc(store)]));
  lines = served.lines;
  operator = await served.as.operator("ann");
  service = await served.as.service("order");
  memberAs = served.as.member;
});
afterAll(async () => {
  expect(lines).toEqual([]); // Nothing a caller sends is a defect of ours.
  await open.disposeAsync();
});

let made = 0;
const newId = (prefix = "r") => `${prefix}-${++made}`;
const creation = (memberId = newId("m")) => ({ requestId: newId(), memberId, name: "Bo" });
const adjustment = (memberId: string, points: bigint) => ({
  requestId: newId(),
  memberId,
  points,
  note: "gift",
});
const firstPage = { pageSize: 0, pageToken: "" };

async function created(points = 0n): Promise<string> {
  const request = creation();
  await operator.createMember(request);
  if (points > 0n) await operator.adjustPoints(adjustment(request.memberId, points));
  return request.memberId;
}

describe("a member", () => {
  test("is made and given points by operators, and sees what it has", async () => {
    const request = creation();
    const { memberId } = request;
    const points = { available: 0n, held: 0n, spent: 0n };
    expect(await operator.createMember(request)).toEqual({ member: { memberId, name: "Bo", points } });
    const member = { memberId, name: "Bo", points: { ...points, available: 70n } };
    expect(await operator.adjustPoints(adjustment(memberId, 100n))).toMatchObject({ member: { name: "Bo" } });
    expect(await operator.adjustPoints(adjustment(memberId, -30n))).toEqual({ member });
    const itself = await memberAs(memberId);
    expect(await itself.getMember({ memberId: "" })).toEqual({ member });
    for (const client of [operator, service])
      expect(await client.getMember({ memberId })).toEqual({ member });
    const { entries } = await itself.listPointEntries({ memberId: "", ...firstPage });
    expect(entries).toEqual([
      { from: "AVAILABLE", to: "ISSUED", points: 30n, orderId: "", note: "gift", at: expect.any(Date) },
      { from: "ISSUED", to: "AVAILABLE", points: 100n, orderId: "", note: "gift", at: expect.any(Date) },
    ]);
  });

  test("sees its entries page by page", async () => {
    const memberId = await created();
    for (const points of [1n, 2n, 3n]) await operator.adjustPoints(adjustment(memberId, points));
    const itself = await memberAs(memberId);
    const first = await itself.listPointEntries({ memberId: "", pageSize: 2, pageToken: "" });
    expect(first.entries.map(({ points }) => points)).toEqual([3n, 2n]);
    const pageToken = first.nextPageToken;
    const second = await itself.listPointEntries({ memberId: "", pageSize: 2, pageToken });
    expect(second.entries.map(({ points }) => points)).toEqual([1n]);
    expect(second.nextPageToken).toBe("");
  });

  test("cannot name another, nor tell one that exists from one that does not", async () => {
    const memberId = await created(5n);
    const stranger = await memberAs(newId("stranger"));
    expect(await refusalOf(stranger.getMember({ memberId }))).toEqual(["INVALID_REQUEST", "member_id"]);
    const named = stranger.listPointEntries({ memberId, ...firstPage });
    expect(await refusalOf(named)).toEqual(["INVALID_REQUEST", "member_id"]);
    expect(await refusalOf(stranger.getMember({ memberId: "" }))).toBe("MEMBER_UNKNOWN");
    expect(await stranger.listPointEntries({ memberId: "", ...firstPage })).toEqual({
      entries: [],
      nextPageToken: "",
    });
  });
});

describe("a repeated request", () => {
  test("gets the answer of the first and moves nothing again", async () => {
    const request = creation();
    const { memberId } = request;
    const first = await operator.createMember(request);
    const gift = adjustment(memberId, 10n);
    const given = await Promise.all(Array.from({ length: 20 }, () => operator.adjustPoints(gift)));
    for (const answer of given) expect(answer).toEqual(given[0]);
    expect(await operator.createMember(request)).toEqual(first);
    const { member } = await operator.getMember({ memberId });
    expect(member?.points?.available).toBe(10n);
  });

  test("with another body is refused", async () => {
    const request = creation();
    await operator.createMember(request);
    expect(await refusalOf(operator.createMember({ ...request, name: "Cy" }))).toBe("REQUEST_ID_REUSED");
  });
});

describe("a refusal", () => {
  test("tells members and services what only operators may", async () => {
    for (const client of [await memberAs(newId("m")), service]) {
      expect(await refusalOf(client.createMember(creation()))).toBe("FORBIDDEN");
      expect(await refusalOf(client.adjustPoints(adjustment("m", 1n)))).toBe("FORBIDDEN");
    }
  });

  test("says who is there already, who is not, and what there is too little of", async () => {
    const memberId = await created(3n);
    expect(await refusalOf(operator.createMember(creation(memberId)))).toBe("MEMBER_EXISTS");
    expect(await refusalOf(operator.adjustPoints(adjustment("nobody", 1n)))).toBe("MEMBER_UNKNOWN");
    expect(await refusalOf(operator.getMember({ memberId: "nobody" }))).toBe("MEMBER_UNKNOWN");
    expect(await refusalOf(operator.adjustPoints(adjustment(memberId, -4n)))).toBe("NOT_ENOUGH_POINTS");
    expect(await refusalOf(operator.adjustPoints(adjustment(memberId, pointsMost)))).toEqual([
      "INVALID_REQUEST",
      "points",
    ]);
    const { member } = await operator.getMember({ memberId });
    expect(member?.points?.available).toBe(3n);
  });

  test.each([
    [{ requestId: "" }, "request_id"],
    [{ memberId: "a b" }, "member_id"],
    [{ memberId: "x".repeat(65) }, "member_id"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ name: "a\0" }, "name"],
  ])("names what is wrong with a new member: %p", async (change, field) => {
    const request = { ...creation(), ...change };
    expect(await refusalOf(operator.createMember(request))).toEqual(["INVALID_REQUEST", field]);
  });

  test.each([
    [{ requestId: "a/b" }, "request_id"],
    [{ memberId: "" }, "member_id"],
    [{ points: 0n }, "points"],
    [{ points: pointsMost + 1n }, "points"],
    [{ points: -pointsMost - 1n }, "points"],
    [{ note: "" }, "note"],
    [{ note: "x".repeat(201) }, "note"],
    [{ note: "a\0" }, "note"],
  ])("names what is wrong with an adjustment: %p", async (change, field) => {
    const request = { ...adjustment("m", 1n), ...change };
    expect(await refusalOf(operator.adjustPoints(request))).toEqual(["INVALID_REQUEST", field]);
  });

  test("names every field that is wrong at once", async () => {
    const call = operator.adjustPoints({ requestId: "", memberId: "", points: 0n, note: "" });
    expect(await refusalOf(call)).toEqual(["INVALID_REQUEST", "request_id", "member_id", "points", "note"]);
  });

  test("draws every bound where it is said to be", async () => {
    const widest = { ...creation("m".repeat(64)), name: "x".repeat(100) };
    expect(await refusalOf(operator.createMember(widest))).toBe("answered");
    const { memberId } = widest;
    const adjust = (points: bigint) =>
      refusalOf(operator.adjustPoints({ ...adjustment(memberId, points), note: "n".repeat(200) }));
    expect([await adjust(pointsMost), await adjust(-pointsMost)]).toEqual(["answered", "answered"]);
    const list = (change: object) =>
      refusalOf(operator.listPointEntries({ memberId, ...firstPage, ...change }));
    expect(await list({ pageSize: 100 })).toBe("answered");
    expect(await list({ pageSize: 101 })).toEqual(["INVALID_REQUEST", "page_size"]);
    expect(await list({ memberId: "" })).toEqual(["INVALID_REQUEST", "member_id"]);
    expect(await list({ memberId: "a\0" })).toEqual(["INVALID_REQUEST", "member_id"]);
    for (const made of ["-1", "1e3", "x", "9".repeat(19)]) {
      const pageToken = Buffer.from(made).toString("base64url");
      expect(await list({ pageToken })).toEqual(["INVALID_REQUEST", "page_token"]);
    }
    expect(await list({ pageToken: Buffer.from("9".repeat(18)).toString("base64url") })).toBe("answered");
  });
});
