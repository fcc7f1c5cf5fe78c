// The product and member services as the order service meets them: real servers whose answers a test chooses.
import { MemberServiceService } from "@quadrille/contracts/gen/quadrille/member/v1/member_service.ts";
import {
  ProductServiceService,
  type Variant,
} from "@quadrille/contracts/gen/quadrille/product/v1/product_service.ts";
import { Refusal } from "@quadrille/decider";
import { type Call, service } from "@quadrille/rpc";
import { openDevKeys } from "@quadrille/rpc/devkeys";
import { openFolder } from "@quadrille/rpc/testing/open";
import { openServed } from "@quadrille/rpc/testing/served";
import { openLookUps } from "../look-ups.ts";

const everyone = ["member", "operator", "service"] as const;
const notAsked = async (): Promise<never> => {
  throw new Error("the order service never asks this");
};

export type Neighbours = Awaited<ReturnType<typeof openNeighbours>>;

export async function openNeighbours() {
  await using opening = new AsyncDisposableStack();
  const keys = await openDevKeys(opening.use(await openFolder()).path);
  const variants = new Map<string, Variant>();
  const told = {
    variants,
    /** Points by member; a member who is not here is unknown. */
    points: new Map<string, bigint>(),
    /** The ids of every look-up of variants. */
    productAsked: [] as string[][],
    memberAsked: [] as string[],
    /** Done before each answer: waits, or refuses. */
    beforeProduct: async (_call: Call): Promise<void> => {},
    beforeMember: async (_call: Call): Promise<void> => {},
  };
  const product = service(
    ProductServiceService,
    {
      async batchGetVariants({ variantIds }, call) {
        told.productAsked.push(variantIds);
        await told.beforeProduct(call);
        return { variants: variantIds.flatMap((id) => variants.get(id) ?? []) };
      },
      searchVariants: notAsked,
      createVariant: notAsked,
      updateVariant: notAsked,
      receiveStock: notAsked,
    },
    {
      batchGetVariants: ["service"],
      searchVariants: everyone,
      createVariant: everyone,
      updateVariant: everyone,
      receiveStock: everyone,
    },
  );
  const member = service(
    MemberServiceService,
    {
      createMember: notAsked,
      async getMember(_request, { caller, ...call }) {
        const memberId = caller.role === "member" ? caller.memberId : "";
        told.memberAsked.push(memberId);
        await told.beforeMember({ caller, ...call });
        const available = told.points.get(memberId);
        if (available === undefined) throw new Refusal("MEMBER_UNKNOWN");
        return { member: { memberId, name: "Bo", points: { available, held: 0n, spent: 0n } } };
      },
      adjustPoints: notAsked,
      listPointEntries: notAsked,
    },
    { createMember: everyone, getMember: ["member"], adjustPoints: everyone, listPointEntries: everyone },
  );
  const products = opening.use(await openServed(ProductServiceService, [product], { keys }));
  const members = opening.use(await openServed(MemberServiceService, [member], { keys }));
  const token = { own: await keys.mintToken({ sub: "order", role: "service" }) };
  const lines: { about: object; message: string }[] = [];
  const open = opening.move();
  return Object.assign(told, {
    keys,
    /** The order service's own; a test may spoil it. */
    token,
    /** What the look-ups said to their log. */
    lines,
    products,
    members,
    stock(variantId: string, about: Partial<Variant> = {}): Variant {
      const variant = {
        variantId,
        title: "Oak lamp",
        price: 1_000n,
        currency: "KRW",
        onSale: true,
        available: 9,
      };
      variants.set(variantId, { ...variant, ...about });
      return variants.get(variantId) as Variant;
    },
    lookUps: async (timeoutMs = 800) =>
      open.use(
        await openLookUps({
          productAddress: products.server.address,
          memberAddress: members.server.address,
          tls: undefined,
          timeoutMs,
          token: () => token.own,
          log: { warn: (about, message) => void lines.push({ about, message }) },
        }),
      ),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  });
}
