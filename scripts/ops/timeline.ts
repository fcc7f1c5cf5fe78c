// Puts together what the services know of one order: what happened, each thing after what led to it; what is waited for.
import { kindOf, type Service } from "@quadrille/contracts/events";
import type {
  ExplainOrderResponse,
  Step,
  Wait,
} from "@quadrille/contracts/gen/quadrille/ops/v1/ops_service.ts";

/** What one service answered. */
export interface Known extends ExplainOrderResponse {
  readonly service: Service;
}

/** A step with its place in the whole. */
export interface Happening {
  readonly service: Service;
  readonly step: Step;
  /** Type of the fact it is about, also where the service knows its id alone. */
  readonly type: string;
  /** What led to it, if that is known; it comes earlier in the list. */
  readonly cause: Happening | undefined;
  /** Facts that led here, one after the other. */
  readonly depth: number;
}

/** In the order of time, but never before what led to it: the services' clocks may differ. */
export function happeningsOf(known: readonly Known[]): readonly Happening[] {
  const waiting = publishedInTime(
    known.flatMap(({ service, steps }) => steps.map((step) => ({ service, step }))),
  );
  waiting.sort(
    (one, other) => timeOf(one.step) - timeOf(other.step) || Number(isHeard(one)) - Number(isHeard(other)),
  );
  const causes = causesOf(waiting);
  const placed = new Map<Located, Happening>();
  while (waiting.length > 0) {
    // The earliest that waits for nothing; if all wait for each other, which no clock explains, the earliest.
    const ready = waiting.findIndex((each) => isPlaced(causes.get(each), placed));
    for (const each of waiting.splice(Math.max(ready, 0), 1)) {
      const cause = placed.get(causes.get(each) ?? each);
      placed.set(each, happening(each, cause));
    }
  }
  return [...placed.values()];
}

interface Located {
  readonly service: Service;
  readonly step: Step;
}

const isHeard = ({ step }: Located) => step.kind === "STEP_KIND_HEARD";

/** A teller writes down that the broker has a fact a little after it has it: whoever heard it by then shows when at the latest. */
function publishedInTime(all: readonly Located[]): Located[] {
  const heardAt = new Map<string, Date>();
  for (const { step } of all.filter(isHeard)) {
    const first = heardAt.get(step.factId);
    if (step.at !== undefined && (first === undefined || step.at < first)) heardAt.set(step.factId, step.at);
  }
  return all.map(({ service, step }) => {
    const heard = heardAt.get(step.factId);
    const isLate =
      step.kind === "STEP_KIND_PUBLISHED" && heard !== undefined && timeOf(step) > heard.getTime();
    return { service, step: isLate ? { ...step, at: heard } : step };
  });
}

const timeOf = ({ at }: Step) => at?.getTime() ?? 0;
const isPlaced = (cause: Located | undefined, placed: ReadonlyMap<Located, Happening>) =>
  cause === undefined || placed.has(cause);

function happening({ service, step }: Located, cause: Happening | undefined): Happening {
  const isTold = step.kind === "STEP_KIND_TOLD";
  const type = step.type === "" ? (cause?.type ?? "") : step.type;
  return { service, step, type, cause, depth: (cause?.depth ?? 0) + (isTold ? 1 : 0) };
}

/** A step names what led to it as its own service calls that, or by the id of a fact another service told. */
function causesOf(all: readonly Located[]): ReadonlyMap<Located, Located> {
  const own = new Map(
    all.filter(({ step }) => step.id !== "").map((each) => [keyOf(each, each.step.id), each]),
  );
  const told = new Map(
    all.filter(({ step }) => step.kind === "STEP_KIND_TOLD").map((each) => [each.step.factId, each]),
  );
  const causes = new Map<Located, Located>();
  for (const each of all) {
    const { causationId } = each.step;
    const near = own.get(keyOf(each, causationId));
    const cause = near === undefined || near === each ? told.get(causationId) : near;
    if (cause !== undefined && cause !== each) causes.set(each, cause);
  }
  return causes;
}

const keyOf = ({ service }: Located, id: string) => `${service} ${id}`;

/** Every fact anyone told, or named as a cause: which of them did each service hear? */
export function factIdsIn(known: readonly Known[]): readonly string[] {
  const ids = known.flatMap(({ steps }) => steps.flatMap(({ factId, causationId }) => [factId, causationId]));
  return [...new Set(ids)].filter((id) => uuid.test(id));
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What the order waits for: what the services say of themselves, and what is on its way between them. */
export function waitsOf(known: readonly Known[]): readonly Wait[] {
  return [...known.flatMap(({ waits }) => waits), ...onTheWay(known), ...parked(known)];
}

/** Facts the broker does not have, and those it has that a service did not hear. Who was not asked may have heard them. */
function onTheWay(known: readonly Known[]): Wait[] {
  const steps = known.flatMap(({ service, steps }) => steps.map((step) => ({ service, step })));
  const has = (kind: Step["kind"], factId: string, by?: Service) =>
    steps.some(
      ({ service, step }) => step.kind === kind && step.factId === factId && (by ?? service) === service,
    );
  return steps.flatMap(({ service: teller, step: { kind, factId, type, at } }): Wait[] => {
    if (kind !== "STEP_KIND_TOLD") return [];
    const because = `${teller} told it at ${at?.toISOString()}`;
    if (!has("STEP_KIND_PUBLISHED", factId)) {
      return [waitFor(`to take ${type}`, "the broker", because, "it is offered again every few seconds")];
    }
    return known
      .map(({ service }) => service)
      .filter((hearer) => kindOf(type)?.heardBy.includes(hearer))
      .filter((by) => !has("STEP_KIND_HEARD", factId, by) && !has("STEP_KIND_PARKED", factId, by))
      .map((hearer) =>
        waitFor(
          `to hear ${type}`,
          hearer,
          because,
          "the broker delivers it again until it is heard or parked",
        ),
      );
  });
}

/** What was replayed or discarded is parked no more. */
function parked(known: readonly Known[]): Wait[] {
  return known.flatMap(({ service, steps }) =>
    steps
      .filter(({ kind, detail }) => kind === "STEP_KIND_PARKED" && detail.startsWith("PARKED"))
      .map(({ type, factId }) => {
        const what = `to replay or discard ${type} ${factId}`;
        return waitFor(what, "an operator", `${service} parked it`, "nobody else will");
      }),
  );
}

/** Something that has no deadline, and what goes on meanwhile. */
function waitFor(what: string, who: string, because: string, instead: string): Wait {
  return { what, who, because, until: undefined, instead, notBefore: undefined };
}
