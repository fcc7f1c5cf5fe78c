import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { RefusalCode } from "@quadrille/contracts/refusals";
import { Refusal } from "@quadrille/decider";
import { type BreakerConfig, type BreakerState, breaker } from "./breaker.ts";
import { type GrpcCode, RpcError } from "./status.ts";
import { until } from "./testing/raw.ts";

const config: BreakerConfig = { timeoutMs: 1_000, refusal: "PRODUCT_UNAVAILABLE", retestMs: 60, callsMin: 4 };
const down = new RpcError("UNAVAILABLE", "no connection");
const caught = (error: unknown) => error;
const unavailable = expect.objectContaining({ name: "Refusal", code: "PRODUCT_UNAVAILABLE" });

/** A target that fails with an error until it is mended. */
function openTarget(error: unknown) {
  const target = { calls: 0, error: error as unknown };
  const action = async (_signal: AbortSignal, word: string) => {
    target.calls += 1;
    if (target.error !== undefined) throw target.error;
    return word.toUpperCase();
  };
  return { target, action };
}

describe("breaker", () => {
  test("passes arguments and answers through while the target answers", async () => {
    const { action } = openTarget(undefined);
    using products = breaker("product", action, config);
    expect(await products.run("hello")).toBe("HELLO");
    expect(products).toMatchObject({ name: "product", state: "closed" });
  });

  test("opens after enough failures, refuses at once, tests with one call, closes again", async () => {
    const states: BreakerState[] = [];
    const failures: unknown[] = [];
    const { target, action } = openTarget(down);
    using products = breaker("product", action, {
      ...config,
      onChange: (state) => states.push(state),
      onFailure: (error) => failures.push(error),
    });
    for (let call = 0; call < 3; call += 1)
      expect(await products.run("x").catch(caught)).toEqual(unavailable);
    expect(products.state).toBe("closed");
    expect(await products.run("x").catch(caught)).toEqual(unavailable);
    expect(products.state).toBe("open");
    expect(failures).toEqual([down, down, down, down]);

    expect(await products.run("x").catch(caught)).toEqual(unavailable);
    expect(target.calls).toBe(4); // The last one did not reach it.

    await until(() => products.state === "half-open");
    expect(await Promise.all([products.run("x").catch(caught), products.run("x").catch(caught)])).toEqual([
      unavailable,
      unavailable,
    ]);
    expect(target.calls).toBe(5); // One of the two was the test; it failed.
    expect(products.state).toBe("open");

    target.error = undefined;
    await until(() => products.state === "half-open");
    expect(await products.run("x")).toBe("X");
    expect(products.state).toBe("closed");
    expect(states).toEqual(["open", "half-open", "open", "half-open", "closed"]);
  });

  test.each<GrpcCode>(["UNAVAILABLE", "INTERNAL", "UNKNOWN"])("%s is a failure", async (code) => {
    const { action } = openTarget(new RpcError(code, "x"));
    using products = breaker("product", action, config);
    for (let call = 0; call < 4; call += 1)
      expect(await products.run("x").catch(caught)).toEqual(unavailable);
    expect(products.state).toBe("open");
  });

  test.each<RefusalCode>(["UNAVAILABLE", "INTERNAL", "PROVIDER_UNAVAILABLE"])(
    "the target's own refusal %s is a failure",
    async (code) => {
      const { action } = openTarget(new Refusal(code));
      using products = breaker("product", action, config);
      for (let call = 0; call < 4; call += 1)
        expect(await products.run("x").catch(caught)).toEqual(unavailable);
      expect(products.state).toBe("open");
    },
  );

  test.each<[string, Error]>([
    ["a business refusal", new Refusal("VARIANT_UNKNOWN")],
    ["an overloaded target", new Refusal("OVERLOADED")],
    ["the caller's own deadline", new RpcError("DEADLINE_EXCEEDED", "x")],
    ["a caller who hung up", new RpcError("CANCELLED", "x")],
    ["a refusal of no catalogue", new Refusal("NO_SUCH_CODE")],
    ["a defect of the action", new TypeError("x")],
  ])("%s passes as it is and never opens it", async (_name, error) => {
    const { target, action } = openTarget(error);
    using products = breaker("product", action, config);
    for (let call = 0; call < 20; call += 1) expect(await products.run("x").catch(caught)).toBe(error);
    expect(products.state).toBe("closed");
    expect(target.calls).toBe(20);
  });

  test("a target of another protocol names its own failures", async () => {
    const { action } = openTarget(new TypeError("fetch failed"));
    using provider = breaker("provider", action, {
      ...config,
      refusal: "PROVIDER_UNAVAILABLE",
      isFailure: (error) => error instanceof TypeError,
    });
    for (let call = 0; call < 4; call += 1) {
      expect(await provider.run("x").catch(caught)).toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
    }
    expect(provider.state).toBe("open");
  });

  test("a timeout frees the caller, stops the action and counts", async () => {
    const stopped: unknown[] = [];
    const hangs = (signal: AbortSignal) =>
      new Promise<never>(() => signal.addEventListener("abort", () => stopped.push(signal.reason)));
    using products = breaker("product", hangs, { ...config, timeoutMs: 30 });
    for (let call = 0; call < 4; call += 1) expect(await products.run().catch(caught)).toEqual(unavailable);
    expect(stopped).toHaveLength(4);
    expect(products.state).toBe("open");
  });

  test("a deadline of the action that is as late as our own is our own", async () => {
    const expires = async () => {
      await sleep(31);
      throw new RpcError("DEADLINE_EXCEEDED", "x");
    };
    using products = breaker("product", expires, { ...config, timeoutMs: 32 });
    expect(await products.run().catch(caught)).toEqual(unavailable);
  });

  test("a test call that was called off proves nothing", async () => {
    const { target, action } = openTarget(down);
    using products = breaker("product", action, config);
    for (let call = 0; call < 4; call += 1) await products.run("x").catch(caught);
    await until(() => products.state === "half-open");
    target.error = new RpcError("CANCELLED", "x");
    expect(await products.run("x").catch(caught)).toBe(target.error);
    expect(products.state).toBe("open");
  });

  test("a business refusal to the test call shows that the target answers", async () => {
    const { target, action } = openTarget(down);
    using products = breaker("product", action, config);
    for (let call = 0; call < 4; call += 1) await products.run("x").catch(caught);
    await until(() => products.state === "half-open");
    target.error = new Refusal("VARIANT_UNKNOWN");
    expect(await products.run("x").catch(caught)).toBe(target.error);
    expect(products.state).toBe("closed");
  });

  test("closed for good it refuses", async () => {
    const { target, action } = openTarget(undefined);
    const products = breaker("product", action, config);
    products[Symbol.dispose]();
    expect(await products.run("x").catch(caught)).toEqual(unavailable);
    expect(target.calls).toBe(0);
  });
});
