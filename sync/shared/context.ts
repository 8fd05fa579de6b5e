import { type AdapterWarning, type StandardSchemaV1, TimelineError, type TimelineStore } from '../../src/index.js';
import type { Authorize, Diffusion, Directory, Stored, Synced, SyncOptions } from '../types.js';
import type { Clock } from './clock.js';
import type { FanOutPositions } from './fan-out-positions.js';
import type { LibraryLife } from './library-life.js';
import type { LibrarySettings } from './library-settings.js';

/**
 * Milliseconds for which a fan-out position may stand still before another process takes over: a random time between
 * the two.
 */
export interface Patience {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Libraries, callbacks and options that all parts of one MessageSync share. */
export interface Context<M> {
  readonly store: TimelineStore<Stored<M>>;
  readonly sync: TimelineStore<Synced<M>>;
  /** Has the Timelines of the library's own (`timelineOf`). May be `store`. */
  readonly state: TimelineStore<Stored<M>>;
  readonly directory: Directory;
  readonly diffusion: Diffusion;
  readonly authorize: Authorize | undefined;
  /** Validates bodies before they are stored. */
  readonly bodySchema: StandardSchemaV1<unknown, M> | undefined;
  readonly newcomers: NonNullable<SyncOptions<M>['newcomers']>;
  readonly resyncLast: number;
  readonly pollMs: number;
  readonly deviceTtlMs: number | undefined;
  /** Says how long ago devices were seen. */
  readonly clock: Clock;
  readonly receipts: boolean;
  readonly membershipEvents: boolean;
  readonly fanOutPositions: FanOutPositions<M>;
  readonly patience: Patience;
  readonly settings: () => Promise<LibrarySettings>;
  readonly libraryLife: LibraryLife;
  /** Joins and leaves of a conversation between two looks at the length of its membership log. */
  readonly memberChangesPerLook: number;
  readonly warn: (warning: AdapterWarning) => void;
  /** Fires when `close` is called: calls are refused from then on. */
  readonly refusing: AbortSignal;
  /** Fires after that, once no append is under way. */
  readonly closing: AbortSignal;
  /** `true` if inbox entries refer to this body instead of carrying it. */
  refersTo(body: M): boolean;
}

/** Law Closing. */
export function checkOpen({ refusing }: { readonly refusing: AbortSignal }): void {
  if (refusing.aborted) throw new TimelineError('TIMELINE_CLOSED', 'the message sync is closed');
}
