/** What the kit asks of a child process. SeqIds travel as decimal strings, since IPC messages are JSON. */
export type Command =
  | { readonly do: 'open'; readonly library: string }
  /** All of them issued together. */
  | { readonly do: 'append'; readonly timeline: string; readonly items: readonly ChildItem[] }
  /** Reports each entry by an event as it arrives; done when it waits for more. */
  | { readonly do: 'subscribe'; readonly timeline: string }
  | { readonly do: 'advance'; readonly timeline: string; readonly reader: string; readonly to: readonly string[] }
  | { readonly do: 'close' };

export interface ChildItem {
  readonly message: string;
  readonly key?: string;
  readonly expectedLast?: string;
}

/** How one append of a child went; `code` if it failed. */
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
  /** `at` is the real time in milliseconds at which the child got the entry. */
  | {
      readonly kind: 'entry';
      readonly timeline: string;
      readonly seqId: string;
      readonly message: string;
      readonly at: number;
    };
