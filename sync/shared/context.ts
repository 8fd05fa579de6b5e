import type { AdapterWarning } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import type { TimelineStore } from '../../src/types.js';
import type { Beginning } from '../modes/conversation-modes.js';
import type { Diffusion, Directory, Stored, Synced, SyncOptions } from '../types.js';
import type { Positions } from './fan-out-positions.js';

/** What the parts of one MessageSync share. */
export interface Context<M> {
  readonly store: TimelineStore<Stored<M>>;
  readonly sync: TimelineStore<Synced<M>>;
  readonly directory: Directory;
  readonly diffusion: Diffusion;
  readonly newcomers: NonNullable<SyncOptions<M>['newcomers']>;
  readonly resyncLast: number;
  readonly pollMs: number;
  readonly positions: Positions<M>;
  readonly beginning: () => Promise<Beginning>;
  readonly warn: (warning: AdapterWarning) => void;
  /** Fires when closing begins. */
  readonly closing: AbortSignal;
  /** Is this body referred to, rather than copied, in inboxes? */
  refersTo(body: M): boolean;
}

/** Law Closing. */
export function checkOpen({ closing }: { readonly closing: AbortSignal }): void {
  if (closing.aborted) throw new TimelineError('TIMELINE_CLOSED', 'the message sync is closed');
}
