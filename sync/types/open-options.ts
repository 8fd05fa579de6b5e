import type { Codec, StandardSchemaV1, TimelineAdapter } from '../../src/index.js';
import type { Diffusion, Directory } from './directory.js';
import type { SyncOptions } from './options.js';

/** Options of `openMessageSync`: those of `createSync`, without the libraries that it opens itself. */
export interface OpenMessageSyncOptions<M>
  extends Omit<SyncOptions<M>, 'store' | 'sync' | 'state' | 'directory' | 'diffusion'> {
  /** The store of all libraries; or one of conversations (`store`) and one of inboxes (`sync`). */
  readonly adapter: TimelineAdapter | { readonly store: TimelineAdapter; readonly sync: TimelineAdapter };
  /** The libraries are `<name>.store`, `<name>.sync` and `<name>.state`. At most 249 bytes. Default `chat`. */
  readonly name?: string | undefined;
  /** Milliseconds that inbox entries are kept. Default: the stored value; for ever in a new library. */
  readonly ttlMs?: number | undefined;
  /** Milliseconds that conversations are kept. Default: the stored value; for ever in a new library. */
  readonly storeTtlMs?: number | undefined;
  /** Changes a stored `ttlMs` or `storeTtlMs`, for all processes. Default false: another value is refused. */
  readonly alter?: boolean | undefined;
  /** Validates the body of `send` and `edit`, before any I/O; its output is stored. Default: none. */
  readonly schema?: StandardSchemaV1<unknown, M> | undefined;
  /** Encodes bodies. Default: JSON. */
  readonly codec?: Codec<M> | undefined;
  /** Chooses between write and read mode. Default `hybridDiffusion()`. */
  readonly diffusion?: Diffusion | undefined;
  /** Knows the members of each conversation. Default: a `timelineDirectory` that `join` and `leave` change. */
  readonly directory?: Directory | undefined;
}
