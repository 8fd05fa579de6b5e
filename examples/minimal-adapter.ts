import { randomUUID } from 'node:crypto';
import type { Capabilities, Row, TimelineAdapter } from 'timeline-model';

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
  timelines: false,
  checkpoints: false,
  minTtlMs: null,
  budgetMs: 1000,
  wakeWithinMs: 1000,
  durability: 'none',
  readOnly: false,
};

/** The least that the contract asks: `append`, `read`, `heads` and `close`, over an array for each Timeline. */
export function minimalAdapter(): TimelineAdapter {
  const epoch = randomUUID();
  const data = new Map<string, Row[]>();
  const times = new Map<string, string | undefined>();
  return {
    name: 'minimal',
    async open({ name, clock }) {
      times.set(name, clock.exchange(times.get(name)));
      const rowsOf = (timeline: string) => data.get(`${name} ${timeline}`) ?? [];
      const headOf = (rows: readonly Row[]) => ({ epoch, firstSeqId: 1n, lastSeqId: BigInt(rows.length) });
      return {
        capabilities,
        append: async (writes) =>
          writes.map(({ timeline, entries }) => {
            const rows = rowsOf(timeline);
            const appendedAt = clock.entryTime(rows.at(-1)?.appendedAt);
            const seqIds = entries.map((_, i) => BigInt(rows.length + i + 1));
            const fresh = entries.map(({ payload }, i) => ({
              seqId: seqIds[i]!,
              appendedAt,
              body: payload.body,
              revision: 0,
            }));
            data.set(`${name} ${timeline}`, [...rows, ...fresh]);
            return { ok: true, epoch, entries: seqIds.map((seqId) => ({ seqId, duplicate: false })) };
          }),
        read: async (ranges) =>
          ranges.map(({ timeline, after = 0n, before, limit, reverse }) => {
            const rows = rowsOf(timeline);
            const found = rows.filter(({ seqId }) => seqId > after && (before === undefined || seqId < before));
            const ordered = reverse ? found.reverse() : found;
            return { ...headOf(rows), rows: ordered.slice(0, limit), more: ordered.length > limit };
          }),
        heads: async (timelines) => timelines.map((timeline) => headOf(rowsOf(timeline))),
        close: async () => {},
      };
    },
  };
}
