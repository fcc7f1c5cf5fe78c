// A decider small enough to see through, and what `given` finds out about deciders that break their promises.
import { describe, expect, test } from "@jest/globals";
import { type Decider, Refusal, row } from "./decider.ts";
import { given } from "./given.ts";
import { acts, cellOf, quiet, refuses } from "./table.ts";

interface Tables {
  readonly lamps: { readonly isOn: boolean; readonly since: number };
}
interface Press {
  readonly lamp: string;
  readonly on: boolean;
}
interface Switched {
  readonly type: "switchedOn" | "switchedOff";
  readonly lamp: string;
}

const lamps: Decider<Tables, Press, Switched> = {
  initial: { lamps: () => ({ isOn: false, since: 0 }) },
  keys: ({ lamp }) => ({ lamps: [lamp] }),
  decide(rows, { lamp, on }) {
    if (lamp === "broken") throw new Refusal("LAMP_BROKEN");
    return row(rows.lamps, lamp).isOn === on ? [] : [{ type: on ? "switchedOn" : "switchedOff", lamp }];
  },
  evolve: (_, { type, lamp }, now) => ({
    lamps: new Map([[lamp, { isOn: type === "switchedOn", since: now.getTime() }]]),
  }),
};
const on = (lamp: string): Press => ({ lamp, on: true });
const off = (lamp: string): Press => ({ lamp, on: false });
const switched = (lamp: string, type: Switched["type"] = "switchedOn"): Switched => ({ type, lamp });

describe("given, when, then", () => {
  test("a decision acts, stays quiet, or refuses", () => {
    given(lamps)
      .when(on("hall"))
      .thenFacts([switched("hall")]);
    given(lamps, [switched("hall")])
      .when(on("hall"))
      .thenNothing();
    given(lamps).when(on("broken")).thenRefuses("LAMP_BROKEN");
  });

  test("what was expected and did not come fails the test", () => {
    expect(() => given(lamps).when(on("hall")).thenNothing()).toThrow();
    expect(() =>
      given(lamps)
        .when(on("hall"))
        .thenFacts([switched("hall", "switchedOff")]),
    ).toThrow();
    expect(() => given(lamps).when(on("hall")).thenRefuses("LAMP_BROKEN")).toThrow();
    expect(() => given(lamps).when(on("broken")).thenNothing()).toThrow();
    expect(() => given(lamps).when(on("broken")).thenRefuses("OTHER")).toThrow();
  });

  test("one story goes on from the other, at its own time", () => {
    const noon = new Date(12);
    const past = given(lamps, { lamps: { hall: { isOn: true, since: 3 } } })
      .when(off("hall"), noon)
      .thenFacts([switched("hall", "switchedOff")])
      .when(on("porch"))
      .thenFacts([switched("porch")]);
    expect(past.now).toEqual(noon);
    expect(past.state("lamps", "hall")).toEqual({ isOn: false, since: 12 });
    expect(past.state("lamps", "porch")).toEqual({ isOn: true, since: 12 });
    expect(past.state("lamps", "attic")).toEqual({ isOn: false, since: 0 });
    expect(
      past
        .at(new Date(20))
        .and([switched("attic")])
        .state("lamps", "attic").since,
    ).toBe(20);
  });

  test("a refusal changes nothing", () => {
    const past = given(lamps, [switched("hall")]);
    expect(past.when(on("broken")).after.rows).toBe(past.rows);
  });
});

describe("a decider is caught when it", () => {
  const broken = (broken: Partial<typeof lamps>) => given({ ...lamps, ...broken });

  test("reads a row its keys do not name", () => {
    expect(() => broken({ keys: () => ({}) }).when(on("hall"))).toThrow("was not named");
  });

  test("writes a row its keys do not name", () => {
    const evolve: typeof lamps.evolve = (rows, fact, now) =>
      lamps.evolve(rows, { ...fact, lamp: "porch" }, now);
    expect(() => broken({ evolve }).when(on("hall"))).toThrow("switchedOn writes lamps porch");
  });

  test("answers differently when it is asked again", () => {
    let asked = 0;
    expect(() => broken({ decide: () => [switched(`${asked++}`)] }).when(on("hall"))).toThrow("asked twice");
  });

  test("changes what it was given", () => {
    const decide: typeof lamps.decide = (_, input) => {
      (input as { on: boolean }).on = false;
      return [];
    };
    expect(() => broken({ decide }).when(on("hall"))).toThrow("read only");
  });
});

test("an outcome can be compared with a cell of a decision table", () => {
  const cell = (press: Press) =>
    cellOf(
      given(lamps, [switched("hall")]).when(press),
      (fact) => fact.type,
      (after) => (after.state("lamps", press.lamp).isOn ? "on" : "off"),
    );
  expect(cell(off("hall"))).toEqual(acts("off", "switchedOff"));
  expect(cell(on("hall"))).toEqual(quiet);
  expect(cell(on("broken"))).toEqual(refuses("LAMP_BROKEN"));
});
