import { isTimelineError } from '../../../src/errors.js';
import type { Sent } from '../../../sync/types.js';
import type { Attempts } from './attempts.js';
import type { Host, World } from './world.js';

/** The last SeqIds of all inboxes when `delivered` of an entry resolved. */
export interface Delivered {
  readonly conversation: string;
  readonly seqId: bigint;
  readonly inboxes: ReadonlyMap<string, bigint>;
}

/** The `delivered` promises of a run. */
export class Deliveries {
  readonly resolved: Delivered[] = [];
  readonly pending = new Set<Promise<unknown>>();
  readonly #world: World;
  readonly #attempts: Attempts;

  constructor(world: World, attempts: Attempts) {
    this.#world = world;
    this.#attempts = attempts;
  }

  expect(host: Host, conversation: string, { seqId, delivered }: Sent): void {
    const { users, sync } = this.#world;
    const noted = delivered.then(
      async () => {
        const heads = await sync.heads(users);
        const inboxes = new Map(users.map((user, i) => [user, heads[i]!.lastSeqId]));
        this.resolved.push({ conversation, seqId, inboxes });
      },
      (error: unknown) => {
        const isGone = isTimelineError(error) && error.code === 'TIMELINE_TRUNCATED';
        if (isGone && this.#world.records.mayBeGone(conversation, seqId)) return;
        if (!this.#attempts.isExcused(error)) this.#attempts.violations.push(`not delivered: ${error}`);
      },
    );
    const ended = Promise.race([noted, host.gate.died]);
    this.pending.add(ended);
    void ended.finally(() => this.pending.delete(ended));
  }
}
