/** JSON of the inspector: Timelines as they are stored. SeqIds are decimal strings. */

/** An entry of a Timeline. */
export interface InspectedEntry {
  readonly seqId: string;
  /** Kind of the entry: `message`, `edit`, `recall`, `read`, `receipt`, `join`, … */
  readonly kind: string;
  /** The user who sent it; absent for entries of the library's own. */
  readonly sender?: string;
  /** Inboxes: the conversation that it comes from. */
  readonly conversation?: string;
  /** Inboxes: SeqId in the conversation. */
  readonly of?: string;
  /** Edits, recalls, relations: SeqId of the message that they concern. */
  readonly target?: string;
  readonly text?: string;
  /** Milliseconds since 1970. */
  readonly appendedAt: number;
  /** Counts the changes of the entry; 0 for none. */
  readonly revision: number;
  readonly key?: string;
  readonly edited?: true;
  readonly recalled?: true;
  readonly deleted?: true;
}

/** A reader's position in a Timeline. */
export interface InspectedPosition {
  /** `device`: acknowledged by a device of the inbox. `read`: the user has read up to here. */
  readonly kind: 'device' | 'read';
  readonly user: string;
  readonly device?: string;
  readonly seqId: string;
}

/** The newest entries of one Timeline. */
export interface InspectedTimeline {
  readonly timeline: string;
  /** Milliseconds that entries are kept; absent: for ever. */
  readonly ttlMs?: number;
  /** Highest SeqId that was ever given. */
  readonly last: string;
  /** SeqId up to which entries have expired or were trimmed, `0` for none. */
  readonly goneThrough: string;
  /** False where the store gives numbers with gaps. */
  readonly dense: boolean;
  readonly entries: readonly InspectedEntry[];
  readonly positions: readonly InspectedPosition[];
}

export interface Inspection {
  readonly conversation: InspectedTimeline;
  readonly inboxes: readonly InspectedTimeline[];
}

/** Positions of the channel's readers. */
export interface ReaderPositions {
  readonly total: number;
  readonly last: string;
  /** For each position, highest first: the number of readers who stand there. */
  readonly standing: readonly (readonly [seqId: string, readers: number])[];
}
