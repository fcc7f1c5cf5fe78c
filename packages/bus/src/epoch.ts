// Whether the broker still has what a service remembers of it, and what to do when it has not.
//
// A broker is a cache of the outboxes: its store may be wiped, or be set back to what it was minutes ago. A stream is
// cut at its end or made anew, so one remembered place that it still bears out speaks for all below it. The highest is
// looked at first; if that is lost, the first, tenth, hundredth … before it, up to the last that holds.
//
// Everything a hearer acknowledges is remembered before: by its inbox row, or by sightings.ts if it leaves none.
//
// A teller then forgets where the broker put the facts above, which makes them unpublished, and the relay's sweep
// publishes them again. A hearer makes its durable anew from before that place, and its inbox recognises what it has.
// A stream is cut at its front as well: by age, which loses nothing, or by a purge or a limit. Only the teller knows when
// it published, so it tells these apart and forgets what was cut off young; hearers get that again at new places.
// Both forget last of all, lowest places first: whoever dies on the way leaves the highest, and it is found again.
//
// Replicas look at the same time. One of them begins an epoch and the others wait until it ends, or for 30 seconds; even
// two at once would only publish and deliver twice. What an older epoch still has to mark is refused by its number.
import type { Cut, KnownStream, Making, Place, Places, ToldPlaces } from "@quadrille/contracts/places";
import type { Limits } from "./limits.ts";
import type { BusLog } from "./ports.ts";

/** A stream as the broker has it just now. */
export interface StreamNow extends Making {
  readonly name: string;
  /** The lowest sequence that is kept. */
  readonly first: bigint;
  readonly last: bigint;
  /** Messages between those two that are gone. Nothing lets them go one by one. */
  readonly holes: number;
  at(seq: bigint): Promise<Place | undefined>;
}

/** Fails with `StreamGone` when the broker does not keep the stream. */
export type Look = () => Promise<StreamNow>;

/** The stream is not there, or not any more. Its teller makes it anew. */
export class StreamGone extends Error {
  override readonly name = "StreamGone";
}

export interface Comparison {
  readonly stream: StreamNow;
  readonly known: KnownStream | undefined;
  readonly isIntact: boolean;
  /** The highest remembered place the stream bears out; undefined when there is none. */
  readonly upTo: Place | undefined;
}

/** How long a service waits between two comparisons while nothing seems to be amiss. */
export const checkEveryMs = 30_000;

/** The broker and this process read clocks of their own into milliseconds of their own. */
const sameMomentMs = 2;

/** Compares what is remembered with what the broker has. Changes nothing. */
export async function compare(places: Places, name: string, look: Look): Promise<Comparison> {
  const known = await places.known(name);
  // Remembered first and looked at then: what is told and heard meanwhile is higher than what was remembered.
  let place = await places.place(name, 0);
  const stream = await look();
  if (known !== undefined && known.created !== stream.created)
    return { stream, known, isIntact: place === undefined, upTo: undefined };
  for (let back = 0; place !== undefined; place = await places.place(name, back)) {
    if (await holds(place, stream, look)) return { stream, known, isIntact: back === 0, upTo: place };
    back = back === 0 ? 1 : back * 10;
  }
  return { stream, known, isIntact: (await places.place(name, 0)) === undefined, upTo: undefined };
}

/** Whether the stream has that very message, or has let it go at its front: its teller sees to it unless it was old. */
export async function holds(place: Place, stream: StreamNow, look: Look): Promise<boolean> {
  if (place.seq < stream.first) return true;
  if (place.seq > stream.last) return false;
  const found = await stream.at(place.seq);
  if (found === undefined) return place.seq < (await look()).first; // It may have come of age between two questions.
  if (place.factId !== undefined && found.factId !== place.factId) return false;
  if (found.storedAt === undefined || place.storedAt === undefined) return true;
  return Math.abs(found.storedAt.getTime() - place.storedAt.getTime()) <= sameMomentMs;
}

export interface ToldComparison extends Comparison {
  /** What was cut off at the front although it was not old. */
  readonly cut: Cut | undefined;
  /** Nothing is lost, at either end. */
  readonly isWhole: boolean;
}

/** How long the broker promises to keep a fact, and to recognise one. */
export type Keeping = Pick<Limits, "streamAgeMs" | "duplicateWindowMs">;

/** A fact is marked as published a moment after it was stored, or long after, when the database was away. */
const markedLateMs = 60 * 60_000;
/** A publish that the broker recognises gets its old place, where nothing is any more. One that started again counts its window anew. */
const windowMarginMs = 1_000;

/** The same for a teller, who knows when it published what the stream begins after. Changes nothing. */
export async function compareTold(
  places: ToldPlaces,
  name: string,
  look: Look,
  { streamAgeMs }: Keeping,
): Promise<ToldComparison> {
  const compared = await compare(places, name, look);
  const { first } = compared.stream;
  const youngMs = streamAgeMs - Math.min(markedLateMs, streamAgeMs / 10);
  const cut = first > 1n ? await places.youngBelow(name, first, youngMs) : undefined;
  return { ...compared, cut, isWhole: compared.isIntact && cut === undefined };
}

/** The leave to publish, until something is amiss. */
export interface Pass {
  readonly epoch: number;
  /** Every place the broker gives from here on is higher, unless it lost something. */
  floor: bigint;
}

/**
 * Resolves when the stream bears out what the outbox says, or what it does not is unpublished again. Throws while another
 * replica is at it.
 *
 * A broker that started again, or a stream made anew, begins an epoch even if nothing is missing: an answer given before
 * may still be on its way into the outbox, and would claim a place that another fact gets now. So does one that gave a
 * place out twice, whatever it says of itself.
 */
export async function settleTold(
  places: ToldPlaces,
  name: string,
  look: Look,
  keeping: Keeping,
  log: BusLog,
  gavePlaceTwice = false,
): Promise<Pass> {
  for (let isSuspect = gavePlaceTwice; ; isSuspect = false) {
    const found = await compareTold(places, name, look, keeping);
    if (!isSuspect && found.isWhole && isSameMaking(found)) {
      const epoch = await epochOf(places, found);
      // Another replica may have begun and ended one while this one looked; under the old one no mark would be made.
      if ((await places.known(name))?.epoch === epoch) return { epoch, floor: found.stream.last };
      continue;
    }
    if (!(await places.begin(name))) throw new Error(`another replica sees to what ${name} lost`);
    await orAbandon(places, name, async () => {
      // Again, because marks that were on their way are made or refused now.
      const again = await compareTold(places, name, look, keeping);
      await forgetTold(places, again, keeping, log);
      await places.end(name, again.stream);
    });
  }
}

const isSameMaking = ({ known, stream }: Comparison) =>
  known === undefined || (known.server === stream.server && known.created === stream.created);

async function forgetTold(
  places: ToldPlaces,
  { stream, upTo, cut, isIntact }: ToldComparison,
  { duplicateWindowMs }: Keeping,
  log: BusLog,
): Promise<void> {
  const { name, last } = stream;
  if (cut !== undefined) {
    const gone = { stream: name, from: String(cut.above + 1n), to: String(cut.below - 1n) };
    log.error(gone, "the broker let facts go before they were old; they are published again");
    await places.forgetCut(name, cut, duplicateWindowMs + windowMarginMs);
  }
  if (isIntact) return;
  const highest = upTo?.seq ?? 0n;
  log.error(
    { stream: name, last: String(last), upTo: String(highest) },
    "the broker lost facts; every fact told after the last that it has is published again",
  );
  await forgetAbove(places, name, upTo);
}

/** What is above the last place that holds, and that place itself if another fact claims it as well: it would be found lost for ever. */
async function forgetAbove(places: Places, name: string, upTo: Place | undefined): Promise<void> {
  await places.forget(name, upTo?.seq ?? 0n);
  if (upTo !== undefined && (await places.place(name, 1))?.seq === upTo.seq)
    await places.forget(name, upTo.seq - 1n);
}

/** Nothing but an operator or a broken disk makes holes; they are told of, and mended by nobody. */
export function warnOfHoles({ name, holes }: StreamNow, log: BusLog): void {
  if (holes > 0) log.error({ stream: name, holes }, "the broker lost facts in the middle of a stream");
}

async function orAbandon(places: Places, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await places.abandon(name);
    throw error;
  }
}

async function epochOf(places: Places, { stream, known }: Comparison): Promise<number> {
  if (known?.created === stream.created) return known.epoch;
  return (await places.end(stream.name, stream)).epoch;
}

/** A durable as the broker has it just now. */
export interface DurableNow {
  /** The highest sequence it ever delivered. */
  readonly delivered: bigint;
  /** Everything up to here is acknowledged. */
  readonly floor: bigint;
}

/** One hearer's durable and its stream, at any broker. */
export interface HeardStream {
  readonly name: string;
  readonly durable: string;
  look(): Promise<StreamNow>;
  durableNow(): Promise<DurableNow | undefined>;
  /** Makes it unless it is there; from the first message on, or from those stored at that moment. */
  make(from: Date | undefined): Promise<void>;
  remove(): Promise<void>;
}

export interface Heard {
  readonly compared: Comparison;
  readonly durable: DurableNow | undefined;
  readonly isSound: boolean;
}

/** Whether a durable can be pulled from: it and its stream are those this hearer remembers. Changes nothing. */
export async function lookHeard(places: Places, heard: HeardStream): Promise<Heard> {
  // The durable before the stream, or what is told and delivered in between would look like too much.
  const durable = await heard.durableNow();
  const compared = await compare(places, heard.name, heard.look);
  const { stream } = compared;
  const isAhead = durable !== undefined && durable.delivered > stream.last;
  const isSound =
    durable !== undefined && compared.isIntact && !isAhead && !isAcknowledgedUnseen(compared, durable);
  return { compared, durable, isSound };
}

/**
 * Nothing is acknowledged before it is remembered, except by the broker itself when it lets a stream's front go. A copy
 * of the stream from before that has those messages again.
 */
function isAcknowledgedUnseen({ stream, upTo }: Comparison, { floor }: DurableNow): boolean {
  return floor > (upTo?.seq ?? 0n) && floor >= stream.first;
}

/** Whether a durable that is pulled from is still the right one. Changes nothing. */
export async function checkHeard(places: Places, heard: HeardStream, log: BusLog): Promise<boolean> {
  const { compared, durable, isSound } = await lookHeard(places, heard);
  if (durable !== undefined) warnOfGap(heard, compared.stream, durable, log);
  return isSound;
}

/** Resolves when the durable can be pulled from. Throws while another replica is making it anew. */
export async function settleHeard(places: Places, heard: HeardStream, log: BusLog): Promise<DurableNow> {
  for (;;) {
    const { compared, durable, isSound } = await lookHeard(places, heard);
    if (isSound && durable !== undefined) {
      await epochOf(places, compared);
      warnOfGap(heard, compared.stream, durable, log);
      return durable;
    }
    if (durable === undefined && compared.isIntact) {
      await heard.make(undefined);
      continue;
    }
    if (!(await places.begin(heard.name))) throw new Error(`another replica makes ${heard.durable} anew`);
    await orAbandon(places, heard.name, () => makeAnew(places, heard, log));
  }
}

async function makeAnew(places: Places, heard: HeardStream, log: BusLog): Promise<void> {
  const { name } = heard;
  // Again, because another replica may have made it anew before this one was let in: then it must not go.
  const { compared, durable, isSound } = await lookHeard(places, heard);
  const { stream, upTo, isIntact } = compared;
  if (!isSound) {
    const from = await startOf(compared, durable);
    log.error(
      { durable: heard.durable, last: String(stream.last), upTo: String(upTo?.seq ?? 0n), from },
      "the broker lost facts; the durable is made anew",
    );
    if (durable !== undefined) await heard.remove();
    await heard.make(from);
    if (!isIntact) await forgetAbove(places, name, upTo);
  }
  await places.end(name, stream);
}

/** Heard again before the last place that is borne out, because some of what was told around then may not have been handled yet. */
const againMs = 10 * 60_000;

/** Undefined is the first message there is. What the old durable had not seen acknowledged is always included. */
async function startOf(
  { stream, upTo }: Comparison,
  durable: DurableNow | undefined,
): Promise<Date | undefined> {
  if (upTo === undefined || durable === undefined) return undefined;
  const last = (await stream.at(upTo.seq))?.storedAt;
  if (last === undefined) return undefined;
  const before = new Date(last.getTime() - againMs);
  if (durable.floor >= stream.last) return before;
  const waiting = (await stream.at(durable.floor + 1n))?.storedAt;
  return waiting === undefined ? undefined : new Date(Math.min(before.getTime(), waiting.getTime()));
}

/** What was not old yet comes again from its teller; for the rest only an operator can ask the teller's outbox. */
function warnOfGap(
  { durable: name }: HeardStream,
  stream: StreamNow,
  durable: DurableNow,
  log: BusLog,
): void {
  if (durable.floor + 1n >= stream.first) return;
  const gap = { durable: name, from: String(durable.floor + 1n), to: String(stream.first - 1n) };
  log.error(gap, "the broker let facts go before they were heard");
}
