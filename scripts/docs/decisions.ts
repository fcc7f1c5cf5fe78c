// The pages that show how a checkout goes, from the catalogue of facts and the services' decision tables.
import { events, services } from "@quadrille/contracts/events";
import type { Table } from "@quadrille/decider/table";
import { holdTable as benefitHolds, memberTable } from "../../services/member/src/benefits.decisions.ts";
import { table as orders } from "../../services/order/src/order.decisions.ts";
import { table as payments } from "../../services/payment/src/payment.decisions.ts";
import { holdTable as stockHolds, variantTable } from "../../services/product/src/stock.decisions.ts";
import { code, mermaid, page, table } from "./markdown.ts";

interface Decided {
  readonly title: string;
  readonly about: string;
  readonly table: Table;
}

const lives: readonly Decided[] = [
  {
    title: "An order",
    about:
      "Stock and points are taken side by side, and only then may the buyer pay. The fate of each hold is kept on the order: it is settled once it is confirmed and every hold was spent, or cancelled and everything was given back. What is asked of payment in *cancelling* is which came first, the money or the cancel.",
    table: orders,
  },
  {
    title: "A hold of stock",
    about:
      "Every line of the order is held, or none. Each `order.cancelled` is answered with one `product.stock_released`; one that comes before its hold leaves a tombstone, which refuses the hold.",
    table: stockHolds,
  },
  {
    title: "A hold of points",
    about:
      "It lives as a hold of stock does. An order that wants no points is passed over without an answer.",
    table: benefitHolds,
  },
  {
    title: "A payment",
    about:
      "The attempt is committed before the provider is called and its answer after it; what the answer does not prove stays unknown until it is known. The verdict is one for ever, and is told again to whoever asks.",
    table: payments,
  },
];

const records: readonly Decided[] = [
  { title: "A variant", about: "", table: variantTable },
  { title: "A member", about: "", table: memberTable },
];

export function sagaPage(): string {
  return page(
    "How a checkout goes",
    "There is no place in the code where all of it stands: each service decides by itself what a fact means to what it owns. These pictures are drawn from the catalogue of facts ([events.md](events.md)) and from the tables of all decisions ([decisions.md](decisions.md)).",
    "## Who tells whom",
    mermaid("flowchart LR", tellings()),
    ...lives.flatMap(({ title, about, table }) => [
      `## ${title}`,
      about,
      mermaid("stateDiagram-v2", ["direction LR", ...transitions(table)]),
    ]),
  );
}

export function decisionsPage(): string {
  return page(
    "Every decision",
    "What each service answers to every input in every state; the tests compare each cell with the code, and the compiler misses none. An input **acts**, and its facts are listed with the state they lead to; is **refused**, and only its caller hears the code; or is **quiet**, because it was done before or comes too late to matter. A name without its service, such as `fateHeard` or `stock held`, is a record the service keeps to itself.",
    ...[...lives, ...records].flatMap(({ title, table }) => [
      `## ${title}`,
      ...Object.keys(table).map((state) => stateSection(table, state)),
    ]),
  );
}

function tellings(): string[] {
  return services.flatMap((teller) =>
    services.flatMap((hearer) => {
      const heard = Object.values(events).filter(
        (kind) => kind.teller === teller && (kind.heardBy as readonly string[]).includes(hearer),
      );
      const names = heard.map((kind) => kind.type.slice(teller.length + 1));
      return names.length === 0 ? [] : [`${teller} -->|"${names.join("<br>")}"| ${hearer}`];
    }),
  );
}

/** One arrow for each pair of states, with what is told on the way and the reasons that are given. */
function transitions(decided: Table): string[] {
  const arrows = new Map<string, Map<string, Set<string>>>();
  for (const [state, row] of Object.entries(decided)) {
    const from = wholeOf(state);
    for (const cell of Object.values(row)) {
      if (typeof cell === "string" || !("acts" in cell) || cell.becomes === from) continue;
      const arrow = `${from === "absent" ? "[*]" : from} --> ${cell.becomes}`;
      const reasonsByFact = arrows.get(arrow) ?? new Map<string, Set<string>>();
      arrows.set(arrow, reasonsByFact);
      const told = cell.acts.filter((name) => name.includes("."));
      for (const name of told.length > 0 ? told : cell.acts) {
        const [fact = "", ...reason] = name.replace(/^\w+\./, "").split(" ");
        reasonsByFact.set(fact, new Set([...(reasonsByFact.get(fact) ?? []), ...reason]));
      }
    }
  }
  return [...arrows].map(([arrow, reasonsByFact]) => {
    const words = [...reasonsByFact].flatMap(([fact, reasons]) => [fact, ...reasons]);
    return `${arrow}: ${words.join("<br>")}`;
  });
}

/** The answers of one state; of a special case, those in which it differs from the plain one. */
function stateSection(decided: Table, state: string): string {
  const row = decided[state] ?? {};
  const plain = wholeOf(state) === state ? undefined : decided[wholeOf(state)];
  const isSame = (input: string) =>
    plain !== undefined && JSON.stringify(plain[input]) === JSON.stringify(row[input]);
  const shown = Object.keys(row).filter((input) => !isSame(input));
  const loud = shown.filter((input) => row[input] !== "quiet");
  const rest = shown.filter((input) => row[input] === "quiet").map(code);
  return [
    `### ${state}`,
    ...(plain === undefined ? [] : [`As ${code(wholeOf(state))}, except:`]),
    ...(loud.length === 0
      ? []
      : [
          table(
            ["input", "answer", "then"],
            loud.map((input) => answerOf(input, row)),
          ),
        ]),
    ...(rest.length === 0 ? [] : [`Quiet: ${rest.join(", ")}.`]),
  ].join("\n\n");
}

function answerOf(input: string, row: Table[string]): readonly string[] {
  const cell = row[input];
  if (cell === undefined || typeof cell === "string") return [code(input), "", ""];
  return "refuses" in cell
    ? [code(input), `refused: ${code(cell.refuses)}`, ""]
    : [code(input), cell.acts.map(code).join(", "), cell.becomes];
}

const wholeOf = (state: string) => state.split(",")[0] ?? state;
