// The process's own clock and ids, passed in where they are needed. Decisions never see them: those use the database's time.

import { randomUUIDv7 } from "node:crypto";

export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** Makes ids that sort by the time they were made. */
export type NewId = () => string;

/** UUIDv7: its first 48 bits are the milliseconds of the process's clock. */
export const newId: NewId = () => randomUUIDv7();
