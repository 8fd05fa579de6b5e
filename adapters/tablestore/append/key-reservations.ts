import type { Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { pause } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { Column } from '../layouts/layout.js';
import { toTimelineError } from '../service/errors.js';
import type { RowWrite } from '../service/requests.js';
import { type ColumnTest, columnOf, type KeyPart, type StoredRecord, type Table } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { findByToken } from './look-back.js';

/** The longest pause between two looks at a claim without entry. */
const MOST_PAUSE_MS = 500;

/** An append that has a key. */
export interface Claimant {
  readonly state: TimelineState;
  readonly key: string;
  readonly hash: string;
  readonly token: string;
}

/** What a claim came to: `won`, and the entry may be put; or the entry that has the key. */
export type Claimed =
  | { readonly won: true }
  | { readonly won: false; readonly seqId: bigint }
  | { readonly error: TimelineError };

interface Claim {
  readonly token: string;
  readonly hash: string;
  readonly at: number;
  /** Absent until it is noted, some time after the entry was put. */
  readonly seqId: bigint | undefined;
}

/**
 * Law Idempotence where the service numbers: such a row admits no condition, so before an entry with a key is put, its key is claimed by a
 * row of its own under the condition that there is none. Who finds a claim looks for the entry; if there is none the claimant is still
 * at it, or has died, and after a while without news its claim is taken over.
 */
export class Claims {
  readonly #inFlight = new Set<string>();
  /** When a claim without entry was met first. */
  readonly #met = new Map<string, number>();
  readonly #leaseMs: number;

  constructor(
    private readonly context: Context,
    private readonly table: Table,
  ) {
    // Claim and put are of one call, which has ended within one budget; what the network still carries has as much again.
    this.#leaseMs = 2 * context.settings.timeoutMs;
    context.record.onRenewed(() => this.#met.clear());
  }

  /** Claims that nobody had, in one go; undefined for those that somebody has. */
  async claim(claimants: readonly Claimant[], call: Call): Promise<(Claimed | undefined)[]> {
    if (claimants.length === 0) return [];
    for (const { token } of claimants) this.#inFlight.add(token);
    const results = await this.context.requests.write(
      claimants.map((claimant) => this.#put(claimant)),
      call,
    );
    return results.map((result) => {
      if (result.ok) return { won: true };
      // An answer that was lost is found out by looking at the claim.
      if (result.error.failure === 'condition' || result.error.failure === 'ambiguous') return undefined;
      return { error: toTimelineError(result.error, 'write') };
    });
  }

  /** The claimant's work on these has ended, well or not. */
  release(claimants: readonly Claimant[]): void {
    for (const { token } of claimants) this.#inFlight.delete(token);
  }

  /** Notes where the entry is, so that it need not be looked for; some time later. */
  learn(claimant: Claimant, seqId: bigint): void {
    this.context.later.add(this.learning(claimant, seqId));
  }

  /** The same as a row to write, whose condition fails where the claim is another's. */
  learning(claimant: Omit<Claimant, 'hash'>, seqId: bigint): RowWrite {
    const condition: ColumnTest[] = [{ column: 't', is: 'EQUAL', value: claimant.token, passIfMissing: false }];
    const put = [{ name: 'seq', value: seqId }];
    return { table: this.table, key: this.#key(claimant), type: 'UPDATE', put, condition };
  }

  #key({ state, key }: Pick<Claimant, 'state' | 'key'>): readonly KeyPart[] {
    return [state.timeline, key];
  }

  #put(claimant: Claimant, over?: Claim): RowWrite {
    const put: Column[] = [
      { name: 't', value: claimant.token },
      { name: 'h', value: claimant.hash },
    ];
    const version = this.context.versionOf(this.context.clock.entryTime());
    const row = { table: this.table, key: this.#key(claimant), type: 'PUT', put, version } as const;
    if (!over) return { ...row, expect: 'missing' };
    return { ...row, condition: [{ column: 't', is: 'EQUAL', value: over.token, passIfMissing: false }] };
  }

  /** Whose key it is, waiting a little for an append that is under way. */
  async resolve(claimant: Claimant, call: Call): Promise<Claimed> {
    try {
      for (let bound = 20; ; bound = Math.min(2 * bound, MOST_PAUSE_MS)) {
        const claimed = await this.#look(claimant, call);
        if (claimed) return claimed;
        const ms = bound * (0.5 + Math.random() / 2);
        if (performance.now() + ms >= call.deadline) return { error: busy(claimant) };
        await pause(ms);
      }
    } catch (cause) {
      return { error: toTimelineError(cause, 'write') };
    }
  }

  async #look(claimant: Claimant, call: Call): Promise<Claimed | undefined> {
    const [row] = await this.context.requests.get(this.table, [this.#key(claimant)], call);
    if (!row) {
      const [claimed] = await this.claim([claimant], call);
      return claimed;
    }
    const claim = toClaim(row);
    if (claim.token === claimant.token) return { won: true };
    if (claim.at <= this.context.keysSince()) return this.#takeOver(claimant, claim, call);
    const mark = this.context.markOf(claim.token, claimant.key);
    const seqId = claim.seqId ?? (await findByToken(this.context, claimant.state, { token: mark, at: claim.at }, call));
    if (seqId === undefined) return this.#isAbandoned(claim) ? this.#takeOver(claimant, claim, call) : undefined;
    if (claim.hash === claimant.hash) return { won: false, seqId };
    return { error: conflict(claimant, seqId) };
  }

  #isAbandoned({ token }: Claim): boolean {
    if (this.context.isOwn(token)) return !this.#inFlight.has(token);
    const met = this.#met.get(token) ?? performance.now();
    this.#met.set(token, met);
    if (this.#met.size > 1000) this.#met.delete(this.#met.keys().next().value as string);
    return performance.now() - met > this.#leaseMs;
  }

  async #takeOver(claimant: Claimant, claim: Claim, call: Call): Promise<Claimed | undefined> {
    const [result] = await this.context.requests.write([this.#put(claimant, claim)], call);
    if (result?.ok) return { won: true };
    if (result && result.error.failure !== 'condition' && result.error.failure !== 'ambiguous') throw result.error;
    return undefined;
  }
}

function toClaim({ columns }: StoredRecord): Claim {
  return {
    token: String(columnOf(columns, 't') ?? ''),
    hash: String(columnOf(columns, 'h') ?? ''),
    at: columns.find(({ name }) => name === 't')?.version ?? 0,
    seqId: columnOf(columns, 'seq') as bigint | undefined,
  };
}

export function conflict({ state, key }: Claimant, seqId: bigint): TimelineError {
  const message = `the key ${JSON.stringify(key)} was used for another message, entry ${seqId}`;
  return new TimelineError('TIMELINE_KEY_CONFLICT', message, { timeline: state.timeline, actual: seqId });
}

function busy({ state, key }: Claimant): TimelineError {
  const message = `another append with the key ${JSON.stringify(key)} has begun and not ended`;
  return new TimelineError('TIMELINE_BUSY', message, { timeline: state.timeline, retryable: true });
}
