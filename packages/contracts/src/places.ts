// Where a broker keeps facts, as a service remembers it: those it told in its outbox, those it heard in its inbox.

/** A message's place in its stream. */
export interface Place {
  readonly seq: bigint;
  /** Undefined for a message that carries no fact. */
  readonly factId: string | undefined;
  /** When the broker stored it, which tells a message from a later copy of it; undefined where nobody said. */
  readonly storedAt: Date | undefined;
}

/** Which stream it is, of which broker. */
export interface Making {
  /** Another one after the stream was made anew. */
  readonly created: string;
  /** Another one after the broker started again, because only then can it have been set back. */
  readonly server: string;
}

/** A stream as it was when it last bore out what is remembered. */
export interface KnownStream extends Making {
  /** Counts how often the broker was found to have lost something of it. */
  readonly epoch: number;
}

/** What is gone from the front of a stream: everything between these. */
export interface Cut {
  readonly above: bigint;
  readonly below: bigint;
}

/** What one service remembers of one side of its streams. All replicas remember the same, because their database does. */
export interface Places {
  known(stream: string): Promise<KnownStream | undefined>;
  /** The remembered place with so many higher ones; 0 asks for the highest. */
  place(stream: string, back: number): Promise<Place | undefined>;
  /** Begins a new epoch, so that what was told in the last one is not remembered any more; false while another replica has begun one and not ended it, for 30 s at most. */
  begin(stream: string): Promise<boolean>;
  /** Forgets every place above, lowest first: whoever looks after an interruption still finds the highest. */
  forget(stream: string, above: bigint): Promise<void>;
  /** The stream bears out what is remembered now. */
  end(stream: string, making: Making): Promise<KnownStream>;
  /** What the epoch was begun for failed, and another replica need not wait to try. */
  abandon(stream: string): Promise<void>;
}

/** What a service remembers to have heard. */
export interface HeardPlaces extends Places {
  /** Remembers a message that leaves no row in the inbox: it is a place like any other, as long as no such message came after it. */
  saw(stream: string, place: Place): Promise<void>;
}

/** What a service remembers to have told, and when. */
export interface ToldPlaces extends Places {
  /** Of the places below `first`, the highest ones that were published less than so many ms ago by the service's own clock; undefined when there are none. */
  youngBelow(stream: string, first: bigint, youngMs: number): Promise<Cut | undefined>;
  /**
   * Forgets those places, lowest first. Nobody claims such a fact while the broker may recognise it: for so many ms, or
   * for twice as many since it was published, whichever is over sooner.
   */
  forgetCut(stream: string, cut: Cut, windowMs: number): Promise<void>;
}
