/** A command of the kit to a child process. SeqIds are decimal strings, because IPC messages are JSON. */
export type Command =
  | { readonly do: 'open'; readonly library: string }
  /** Appends the items concurrently. */
  | { readonly do: 'append'; readonly timeline: string; readonly items: readonly ChildItem[] }
  /** Reports each entry as it arrives; done once it has caught up. Reports its end. */
  | { readonly do: 'subscribe'; readonly timeline: string }
  | { readonly do: 'advance'; readonly timeline: string; readonly reader: string; readonly to: readonly string[] }
  | { readonly do: 'drop'; readonly timeline: string }
  /** Reports each signal as it arrives. */
  | { readonly do: 'listen'; readonly topics: readonly string[] }
  | { readonly do: 'publish'; readonly topic: string; readonly payload: string }
  | { readonly do: 'close' };

export interface ChildItem {
  readonly message: string;
  readonly key?: string;
  readonly expectedLast?: string;
}

/** Outcome of one append of a child; `code` if it failed. */
export interface ChildOutcome {
  readonly seqId?: string;
  readonly duplicate?: boolean;
  readonly code?: string;
}

export interface Request {
  readonly id: number;
  readonly command: Command;
}

export type Report =
  | { readonly kind: 'done'; readonly id: number; readonly value: readonly ChildOutcome[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  /** `at` is the time at which the child got the entry, in milliseconds since 1970. */
  | {
      readonly kind: 'entry';
      readonly timeline: string;
      readonly seqId: string;
      readonly message: string;
      readonly at: number;
    }
  /** A subscription has ended; `code` is that of its error. */
  | { readonly kind: 'ended'; readonly timeline: string; readonly code: string }
  | { readonly kind: 'signal'; readonly topic: string; readonly payload: string };
