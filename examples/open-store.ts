import type { TimelineAdapter } from 'timeline-model';

/** A store that the chat can run on. */
export interface OpenStore {
  readonly adapter: TimelineAdapter;
  /** Adapter of the inboxes. Default: `adapter`. */
  readonly inboxes?: TimelineAdapter;
  /** Start of the names of libraries. Default: that of `openMessageSync`. */
  readonly name?: string;
  /** Location of the data, shown to the user. */
  readonly place?: { readonly kind: string; readonly name: string; readonly note: string };
  close(): Promise<void>;
}
