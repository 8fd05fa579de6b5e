import { randomUUID } from 'node:crypto';
import type { Body, Capabilities, Row, TimelineAdapter } from 'timeline-model';

const capabilities: Capabilities = {
  adapter: 'minimal',
  dense: true,
  visibility: 'strict',
  atomicBatch: 1000,
  maxAtomicBytes: 4 * 1024 * 1024,
  maxBodyBytes: 1024 * 1024,
  keyWindowMs: 0,
  expectedLast: false,
  manualIds: false,
  update: false,
  delete: false,
  trim: false,
  drop: false,
  timelines: false,
  checkpoints: false,
  signals: 'none',
  minTtlMs: null,
  budgetMs: 1000,
  wakeWithinMs: 1000,
  durability: 'none',
  readOnly: false,
};

/** Implements only what the contract requires: `append`, `read`, `heads` and `close`, on one array per Timeline. */
export function minimalAdapter(): TimelineAdapter {
  const epoch = randomUUID();
  const [data, times] = [new Map<string, Row[]>(), new Map<string, string | undefined>()];
  return {
    name: 'minimal',
    async open({ name, clock }) {
      times.set(name, clock.exchange(times.get(name)));
      const rowsOf = (timeline: string) => data.get(`${name} ${timeline}`) ?? [];
      const toRow = (body: Body, seqId: bigint, appendedAt: number): Row => ({ seqId, appendedAt, body, revision: 0 });
      const headOf = (rows: readonly Row[]) => ({ epoch, firstSeqId: 1n, lastSeqId: BigInt(rows.length) });
      return {
        capabilities,
        append: async (writes) =>
          writes.map(({ timeline, entries }) => {
            const rows = rowsOf(timeline);
            const appendedAt = clock.entryTime(rows.at(-1)?.appendedAt);
            const added = entries.map(({ payload }, i) => toRow(payload.body, BigInt(rows.length + i + 1), appendedAt));
            data.set(`${name} ${timeline}`, [...rows, ...added]);
            return { ok: true, epoch, entries: added.map(({ seqId }) => ({ seqId, duplicate: false })) };
          }),
        read: async (ranges) =>
          ranges.map(({ timeline, after = 0n, before, limit, reverse }) => {
            const found = rowsOf(timeline).filter(({ seqId }) => seqId > after && seqId < (before ?? seqId + 1n));
            if (reverse) found.reverse();
            return { ...headOf(rowsOf(timeline)), rows: found.slice(0, limit), more: found.length > limit };
          }),
        heads: async (timelines) => timelines.map((timeline) => headOf(rowsOf(timeline))),
        close: async () => {},
      };
    },
  };
}
