import { describe, expect, test } from "@jest/globals";
import { type Definition, service } from "./service.ts";
import { EchoService } from "./testing/echo.ts";
import { access, echo } from "./testing/open.ts";

describe("service", () => {
  test("knows its name on the wire and what each method may do", () => {
    const built = service(EchoService, echo, access);
    expect(built.name).toBe("quadrille.testing.v1.EchoService");
    expect(built.methods.map(({ kind, roles }) => ({ kind, roles }))).toEqual([
      { kind: "unary", roles: ["member", "service"] },
      { kind: "stream", roles: ["member"] },
    ]);
  });

  test("a method without a handler or without roles does not compile", () => {
    const { say } = echo;
    // @ts-expect-error `repeat` has no handler.
    service(EchoService, { say }, access);
    // @ts-expect-error `repeat` has no roles.
    service(EchoService, echo, { say: ["member"] });
    // @ts-expect-error nobody has the role.
    service(EchoService, echo, { ...access, say: ["admin"] });
    // @ts-expect-error the answer is of another type.
    service(EchoService, { ...echo, say: async () => ({ words: "" }) }, access);
    expect(say).toBe(echo.say);
  });

  test("streamed requests and empty services are not served", () => {
    const upload: Definition = { say: { ...EchoService.say, requestStream: true } };
    expect(() => service(upload, { say: echo.say as never }, { say: [] })).toThrow("streams its requests");
    expect(() => service({}, {}, {})).toThrow("at least one method");
  });
});
