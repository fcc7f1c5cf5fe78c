// Every cell of the decision tables of benefits is what the decider answers, and leads where the table says.
import { describe, expect, test } from "@jest/globals";
import { cellOf } from "@quadrille/decider/table";
import {
  type HoldInput,
  type HoldState,
  holdTable,
  type MemberInput,
  type MemberState,
  memberTable,
  nameOf,
} from "./benefits.decisions.ts";
import {
  holdInputs,
  holdOf,
  holdStates,
  memberInputs,
  memberOf,
  memberStates,
  otherWays,
} from "./benefits.examples.ts";

const ways = (Object.keys(holdTable) as HoldState[]).map((state) => [state, "", holdStates[state]] as const);

describe.each([...ways, ...otherWays])("hold %s %s", (state, _, past) => {
  test("is the state it is called", () => {
    expect(holdOf(past).status).toBe(state.split(",")[0]);
  });

  test("answers every input as the table says", () => {
    const answers = (Object.keys(holdInputs) as HoldInput[]).map((input) => {
      const outcome = past.when(holdInputs[input]);
      return [input, cellOf(outcome, nameOf, (after) => holdOf(after).status)];
    });
    expect(Object.fromEntries(answers)).toEqual(holdTable[state]);
  });
});

describe.each(Object.keys(memberTable) as MemberState[])("member %s", (state) => {
  const past = memberStates[state];

  test("is the state it is called", () => {
    expect(memberOf(past).status).toBe(state);
  });

  test("answers every input as the table says", () => {
    const answers = (Object.keys(memberInputs) as MemberInput[]).map((input) => {
      const outcome = past.when(memberInputs[input]);
      return [input, cellOf(outcome, nameOf, (after) => memberOf(after).status)];
    });
    expect(Object.fromEntries(answers)).toEqual(memberTable[state]);
  });
});
