/**
 * The abilities of a library on its store: a plain frozen object, safe for JSON. Using what is absent fails with
 * `TIMELINE_UNSUPPORTED` before any I/O; the conformance kit holds every claim, and every "no", to its word.
 */
export interface Capabilities {
  readonly adapter: string;
  /** SeqIds are 1, 2, 3 … as long as the caller chooses none. */
  readonly dense: boolean;
  /** `settled`: smaller ids may appear for a short while after larger ones; readers overlap to catch them. */
  readonly visibility: 'strict' | 'settled';
  /** Entries that one `appendMany` may hold. 1: none beyond a single append. */
  readonly atomicBatch: number;
  /** Bytes of body that one `appendMany` may hold. */
  readonly maxAtomicBytes: number;
  /** Bytes of one encoded body. */
  readonly maxBodyBytes: number;
  /** Milliseconds that an idempotency key is remembered; 0: keys are refused; `null`: for ever. */
  readonly keyWindowMs: number | null;
  readonly expectedLast: boolean;
  readonly manualIds: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly trim: boolean;
  readonly timelines: boolean;
  readonly checkpoints: boolean;
  /** The shortest `ttlMs`; `null`: a TTL is refused. */
  readonly minTtlMs: number | null;
  /** Milliseconds within which every call ends, well or not, whatever the store does. */
  readonly budgetMs: number;
  /** Milliseconds until a waiting subscription hears of an append by any process, on a machine that is not overloaded. */
  readonly wakeWithinMs: number;
  /** An acknowledged append survives nothing, the end of the process, of the machine's power, or of the machine. */
  readonly durability: 'none' | 'process' | 'power' | 'machine';
  /** Every write fails with `TIMELINE_UNSUPPORTED`. */
  readonly readOnly: boolean;
}
