// Every cell of the decision tables of stock is what the decider answers, and leads where the table says.
import { describe, expect, test } from "@jest/globals";
import { cellOf } from "@quadrille/decider/table";
import {
  type HoldInput,
  type HoldState,
  holdTable,
  nameOf,
  type VariantInput,
  type VariantState,
  variantTable,
} from "./stock.decisions.ts";
import {
  holdInputs,
  holdOf,
  holdStates,
  otherWays,
  variantInputs,
  variantOf,
  variantStates,
} from "./stock.examples.ts";

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

describe.each(Object.keys(variantTable) as VariantState[])("variant %s", (state) => {
  const past = variantStates[state];

  test("is the state it is called", () => {
    expect(variantOf(past).status).toBe(state);
  });

  test("answers every input as the table says", () => {
    const answers = (Object.keys(variantInputs) as VariantInput[]).map((input) => {
      const outcome = past.when(variantInputs[input]);
      return [input, cellOf(outcome, nameOf, (after) => variantOf(after).status)];
    });
    expect(Object.fromEntries(answers)).toEqual(variantTable[state]);
  });
});
