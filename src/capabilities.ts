/**
 * Features and limits of a library on its store: a plain frozen object, safe for JSON. Using an absent feature fails
 * with `TIMELINE_UNSUPPORTED` before any I/O. The conformance kit checks every claim, present or absent.
 */
export interface Capabilities {
  /** Name of the adapter. */
  readonly adapter: string;
  /** True if SeqIds are 1, 2, 3 … as long as the caller chooses none. */
  readonly dense: boolean;
  /** `settled`: a smaller SeqId may briefly appear after a larger one; readers overlap to catch it. */
  readonly visibility: 'strict' | 'settled';
  /** Maximum number of messages of an `appendMany`; 1 allows single appends only. */
  readonly atomicBatch: number;
  /** Maximum total body bytes of an `appendMany`. */
  readonly maxAtomicBytes: number;
  /** Maximum bytes of one encoded body. */
  readonly maxBodyBytes: number;
  /** Milliseconds that an idempotency key is remembered; 0 refuses keys, `null` remembers them for ever. */
  readonly keyWindowMs: number | null;
  /** Takes `expectedLast`. */
  readonly expectedLast: boolean;
  /** Takes SeqIds chosen by the caller. */
  readonly manualIds: boolean;
  /** Has `update`. */
  readonly update: boolean;
  /** Has `delete`. */
  readonly delete: boolean;
  /** Has `trim`. */
  readonly trim: boolean;
  /** Has `drop`. */
  readonly drop: boolean;
  /** Has `timelines`. */
  readonly timelines: boolean;
  /** Has checkpoints. */
  readonly checkpoints: boolean;
  /** Signals reach every process of the library (`store`), listeners of this process only (`process`), or nobody. */
  readonly signals: 'none' | 'process' | 'store';
  /** Shortest `ttlMs`; `null` refuses a TTL. */
  readonly minTtlMs: number | null;
  /** Milliseconds within which every call succeeds or fails, whatever the store does. */
  readonly budgetMs: number;
  /** Milliseconds until a waiting subscription gets an append of any process, on a machine that is not overloaded. */
  readonly wakeWithinMs: number;
  /** An acknowledged append survives: nothing, the end of the process, a power loss, or the loss of the machine. */
  readonly durability: 'none' | 'process' | 'power' | 'machine';
  /** True if every write fails with `TIMELINE_UNSUPPORTED`. */
  readonly readOnly: boolean;
}
