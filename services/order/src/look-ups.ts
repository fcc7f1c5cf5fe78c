// What an order needs to know of its neighbours: today's variants, and what the member owns. Only asked, never told.
//
// Look-ups of variants, or of one member, that are wanted at the same time share one call. The call has its own time; a
// caller who gives up earlier ends its own wait and nobody else's.
import {
  type GetMemberResponse,
  MemberServiceService,
} from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import {
  type BatchGetVariantsResponse,
  ProductServiceService,
} from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { Refusal } from "@quadrille/decider";
import { client } from "@quadrille/rpc";
import { breaker } from "@quadrille/rpc/breaker";
import type { ClientTls } from "@quadrille/rpc/tls";
import DataLoader from "dataloader";
import type { VariantData } from "./quote.ts";

/** What one call may ask the product service for, at most. */
const idsMost = 100;
/** A call's time that ends so much too late ended while this process was too busy to look at the clock, or at the answer. */
const ownDelayMs = 50;

export interface LookUpsConfig {
  readonly productAddress: string;
  readonly memberAddress: string;
  /** How long one call may take, in ms. */
  readonly timeoutMs: number;
  /** How they are called over TLS; in the clear without. */
  readonly tls: ClientTls | undefined;
  /** The service's own identity, for look-ups that serve several callers at once. */
  readonly token: () => string;
  readonly log: { warn(about: object, message: string): void };
}

export interface LookUps extends AsyncDisposable {
  /** Variants by id; unknown ids are missing. Refuses with PRODUCT_UNAVAILABLE. */
  variants(variantIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, VariantData>>;
  /** Points the caller behind the token can spend. Refuses with MEMBER_UNKNOWN or MEMBER_UNAVAILABLE. */
  pointsOwned(memberToken: string, signal: AbortSignal): Promise<bigint>;
}

export async function openLookUps({
  productAddress,
  memberAddress,
  timeoutMs,
  tls,
  token,
  log,
}: LookUpsConfig): Promise<LookUps> {
  await using opening = new AsyncDisposableStack();
  const products = opening.use(
    await client(ProductServiceService, { address: productAddress, token, tls, deadlineMs: timeoutMs }),
  );
  const members = opening.use(
    await client(MemberServiceService, { address: memberAddress, token, tls, deadlineMs: timeoutMs }),
  );
  const onChange = (target: string) => (state: string) => log.warn({ target, state }, "breaker");
  const productBreaker = opening.use(
    breaker(
      "product",
      (signal, variantIds: string[]) => products.batchGetVariants({ variantIds }, { signal }),
      {
        timeoutMs,
        refusal: "PRODUCT_UNAVAILABLE",
        isFailure: isOurTokenRefused,
        onFailure: (error) =>
          isOurTokenRefused(error) && log.warn({ err: error }, "product refuses our token"),
        onChange: onChange("product"),
      },
    ),
  );
  const memberBreaker = opening.use(
    breaker(
      "member",
      (signal, memberToken: string) => members.getMember({ memberId: "" }, { signal, token: memberToken }),
      {
        timeoutMs,
        refusal: "MEMBER_UNAVAILABLE",
        onChange: onChange("member"),
      },
    ),
  );
  const variantLoader = variantsTogether((variantIds) =>
    againIfWeWereLate(timeoutMs, () => productBreaker.run(variantIds)),
  );
  const pointsLoader = pointsTogether((memberToken) =>
    againIfWeWereLate(timeoutMs, () => memberBreaker.run(memberToken)),
  );
  const open = opening.move();
  return {
    async variants(variantIds, signal) {
      const distinct = [...new Set(variantIds)];
      const found = await unlessAborted(
        Promise.all(distinct.map((variantId) => variantLoader.load(variantId))),
        signal,
      );
      return new Map(
        found.flatMap((variant) => (variant === undefined ? [] : [[variant.variantId, variant] as const])),
      );
    },
    pointsOwned: (memberToken, signal) => unlessAborted(pointsLoader.load(memberToken), signal),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function variantsTogether(ask: (variantIds: string[]) => Promise<BatchGetVariantsResponse>) {
  return new DataLoader<string, VariantData | undefined>(
    async (variantIds) => {
      const { variants } = await ask([...new Set(variantIds)]);
      const found = new Map(variants.map((variant) => [variant.variantId, variant]));
      return variantIds.map((variantId) => found.get(variantId));
    },
    { maxBatchSize: idsMost, cache: false },
  );
}

/** By token, not by member: of a member's two tokens one may have ended, and then only its bearer may hear so. */
function pointsTogether(ask: (memberToken: string) => Promise<GetMemberResponse>) {
  return new DataLoader<string, bigint>(
    async (memberTokens) => {
      const distinct = [...new Set(memberTokens)];
      const asked = await Promise.allSettled(distinct.map(ask));
      const found = new Map(distinct.map((memberToken, index) => [memberToken, asked[index]]));
      return memberTokens.map((memberToken) => {
        const answer = found.get(memberToken);
        // A failure is returned, so that it is this member's alone.
        return answer?.status === "fulfilled"
          ? (answer.value.member?.points?.available ?? 0n)
          : answer?.reason;
      });
    },
    { cache: false },
  );
}

/** The caller did nothing wrong when it is us whom the product service does not know. */
function isOurTokenRefused(error: unknown): boolean {
  return error instanceof Refusal && (error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN");
}

/**
 * A burst of requests can keep this process from its sockets for longer than a look-up may take; the answer was there in
 * time and could not be read. That says nothing about the neighbour, so it is asked once more.
 */
async function againIfWeWereLate<T>(timeoutMs: number, look: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await look();
  } catch (error) {
    if (performance.now() - startedAt < timeoutMs + ownDelayMs) throw error;
    return await look();
  }
}

/** The work goes on for the others; only this wait ends. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort(); // Not thrown here: the race below must hear how the work ends, or nobody would.
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
