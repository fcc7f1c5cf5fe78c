// Every cell of the payment's decision table is what the decider answers, and leads where the table says.
import { describe, expect, test } from "@jest/globals";
import { cellOf } from "@quadrille/decider/table";
import { type Input, nameOf, type State, table } from "./payment.decisions.ts";
import { inputs, paymentOf, states } from "./payment.examples.ts";

describe.each(Object.keys(table) as State[])("%s", (state) => {
  const past = states[state];

  test("is the state it is called", () => {
    expect(paymentOf(past).status).toBe(state.split(",")[0]);
  });

  test("answers every input as the table says", () => {
    const answers = (Object.keys(inputs) as Input[]).map((input) => {
      const outcome = past.when(inputs[input]);
      return [input, cellOf(outcome, nameOf, (after) => paymentOf(after).status)];
    });
    expect(Object.fromEntries(answers)).toEqual(table[state]);
  });
});
