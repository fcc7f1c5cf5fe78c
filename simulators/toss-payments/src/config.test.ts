import { describe, expect, test } from "@jest/globals";
import { readConfig } from "./config.ts";

describe("the environment", () => {
  test("needs a secret key only", () => {
    expect(readConfig({ SECRET_KEY: "test_sk_1234", PORT: "", DATA_DIR: "" })).toEqual({
      host: "127.0.0.1",
      port: 0,
      secretKey: "test_sk_1234",
      dataDir: undefined,
      webhookUrl: undefined,
      seed: "1",
      answerDelayMs: 0,
      sessionMs: 600_000,
      paymentsMax: 500_000,
    });
  });

  test("is frozen once it is read", () => {
    const config = readConfig({
      SECRET_KEY: "live_sk_1234",
      PORT: "8400",
      WEBHOOK_URL: "http://127.0.0.1:1/hook",
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect([config.port, config.webhookUrl]).toEqual([8400, "http://127.0.0.1:1/hook"]);
  });

  test("is told all its faults at once", () => {
    const wrong = {
      SECRET_KEY: "secret",
      PORT: "65536",
      WEBHOOK_URL: "ftp://x",
      ANSWER_DELAY_MS: "-1",
      MAX_PAYMENTS: "many",
    };
    expect(() => readConfig(wrong)).toThrow(
      /SECRET_KEY.*WEBHOOK_URL.*PORT.*"65536".*ANSWER_DELAY_MS.*"-1".*MAX_PAYMENTS.*"many"/s,
    );
  });
});
