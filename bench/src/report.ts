// What a run found, as text.
import type { Footprint } from "./durable.ts";
import type { Measurement } from "./measure.ts";
import { type Cell, tableOf } from "./table.ts";

export const groupedFloor = "floor, grouped";
export const singleFloor = "floor, one message a transaction";

const processes = ["order", "product", "member", "payment", "provider", "nats", "postgres", "driver"];

export function speedTable(all: readonly Measurement[]): string {
  const head = [
    "",
    "buyers",
    "checkouts/s",
    "of grouped floor",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "asked again",
    "commits each",
    "WAL KiB each",
  ];
  const rows = all.map(({ entrant, buyers, figures, repeats, commitsEach, walKibEach }): Cell[] => {
    const { perSecond, p50, p90, p99 } = figures;
    const share = perSecond / rate(all, groupedFloor, buyers);
    const shown = Number.isNaN(share) ? undefined : `${(share * 100).toFixed(0)} %`;
    return [entrant, `${buyers}`, perSecond, shown, p50, p90, p99, `${repeats}`, commitsEach, walKibEach];
  });
  return tableOf(head, rows);
}

export function cpuTable(all: readonly Measurement[]): string {
  const head = ["CPU s per 1,000 checkouts", "buyers", ...processes, "all", "grouped floors"];
  const rows = all.map(({ entrant, buyers, figures: { cpu } }): Cell[] => {
    const times = sumOf(cpu) / sumOf(find(all, groupedFloor, buyers)?.figures.cpu);
    const shown = Number.isNaN(times) ? undefined : times;
    return [entrant, `${buyers}`, ...processes.map((name) => cpu.get(name)), sumOf(cpu), shown];
  });
  return tableOf(head, rows);
}

/** A line per kind of row, a column per entrant. */
export function footprintTable(footprints: ReadonlyMap<string, Footprint>): string {
  const names = [...footprints.keys()];
  const kinds = [...new Set([...footprints.values()].flatMap((footprint) => [...footprint.keys()]))];
  const rows = kinds.map((kind): Cell[] => [kind, ...names.map((name) => footprints.get(name)?.get(kind))]);
  return tableOf(["rows per checkout", ...names], rows);
}

/** How the floor must be for the yardstick to be right: a sentence for each fault. */
export function floorFaults(all: readonly Measurement[], buyersFrom: number, factor: number): string[] {
  return [...new Set(all.map(({ buyers }) => buyers))]
    .filter((buyers) => buyers >= buyersFrom)
    .flatMap((buyers) => {
      const times = rate(all, groupedFloor, buyers) / rate(all, singleFloor, buyers);
      return times < factor
        ? [`at ${buyers} buyers the grouped floor is only ${times.toFixed(1)} times the ungrouped one`]
        : [];
    });
}

/** Entrants that leave other rows behind than the first. */
export function footprintFaults(footprints: ReadonlyMap<string, Footprint>): string[] {
  const [first, ...others] = [...footprints];
  return others.flatMap(([name, footprint]) =>
    [...footprint].flatMap(([kind, rows]) => {
      const wanted = first?.[1].get(kind);
      return rows === wanted
        ? []
        : [`${name} leaves ${rows} ${kind} rows per checkout, ${first?.[0]} ${wanted}`];
    }),
  );
}

function rate(all: readonly Measurement[], entrant: string, buyers: number): number {
  return find(all, entrant, buyers)?.figures.perSecond ?? Number.NaN;
}

function find(all: readonly Measurement[], entrant: string, buyers: number): Measurement | undefined {
  return all.find((measurement) => measurement.entrant === entrant && measurement.buyers === buyers);
}

function sumOf(cpu: ReadonlyMap<string, number> | undefined): number {
  return cpu === undefined ? Number.NaN : [...cpu.values()].reduce((one, other) => one + other, 0);
}
