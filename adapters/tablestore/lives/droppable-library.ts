import type { AdapterHead, AdapterLibrary, Call, ListingRange, WriteOutcome } from '../../../src/adapter.js';
import { isTimelineError, TimelineError } from '../../../src/errors.js';
import { droppedSince } from '../../../src/toolkit/index.js';
import { toTimelineError } from '../service/errors.js';
import type { LibraryBase } from '../tables/open.js';
import { timelineKey } from '../tables/schema.js';
import { EndedLives } from './ended-lives.js';
import { LifeRecords, storageName } from './life-records.js';
import { LifeWatch } from './life-watch.js';

/** Of a call: the present life of each of its Timelines. */
type Lives = ReadonlyMap<string, string>;

/**
 * A library whose Timelines can be dropped. Each life of a Timeline is a Timeline of its own in the library below, and
 * each call first reads which is the present one: the row that says so begins a new life in one step. A call that began
 * before a drop may still work on the old life: it came before the drop.
 */
export function droppable(library: AdapterLibrary, base: LibraryBase): AdapterLibrary {
  const { record, layout } = base;
  const records = new LifeRecords(base);
  const ended = new EndedLives(base, records);
  const watches = new LifeWatch(base, records, (storage, wake) => library.watch!(storage, wake));
  const checkpoints = library.checkpoints!;

  /** Runs `run` on the present lives; again if the tables were made again meanwhile. */
  async function read<T>(timelines: readonly string[], call: Call, run: (lives: Lives) => Promise<T>): Promise<T> {
    for (;;) {
      const lives = await records.read(timelines, call);
      const { epoch } = record;
      const result = await run(lives).catch((error: unknown) => Promise.reject(inTermsOf(lives, error)));
      if (record.epoch === epoch) return result;
    }
  }

  async function write<T>(timelines: readonly string[], call: Call, run: (lives: Lives) => Promise<T>): Promise<T> {
    const lives = await records.read(timelines, call);
    return run(lives).catch((error: unknown) => Promise.reject(inTermsOf(lives, error)));
  }

  const one = <T>(timeline: string, call: Call, run: (storage: string) => Promise<T>) =>
    write([timeline], call, (lives) => run(nameIn(lives, timeline)));

  async function drop(timeline: string, call: Call): Promise<void> {
    const life = (await records.read([timeline], call)).get(timeline) as string;
    const storage = storageName(timeline, life);
    // The names of later lives are longer.
    timelineKey(layout, storageName(timeline, 'x'.repeat(8)));
    const [head] = await library.heads([storage], call);
    if (head?.lastSeqId === 0n && !(await hasPositions(storage, call))) return;
    await ended.note(storage, call);
    try {
      // If another drop was faster, it has ended the life that this one found.
      await records.begin(timeline, life, call);
    } catch (error) {
      throw toTimelineError(error, 'write');
    }
    ended.removeLater(storage);
    watches.look();
  }

  async function hasPositions(storage: string, call: Call): Promise<boolean> {
    const { requests, tables } = base;
    const range = { table: tables.meta, from: [storage, 'r:'], to: [storage, 'r;'], limit: 1 };
    return (await record.runRead(call, () => requests.range(range, call))).rows.length > 0;
  }

  async function list(range: ListingRange, call: Call): Promise<string[]> {
    let { after } = range;
    for (;;) {
      const found = await records.list({ ...range, ...(after !== undefined && { after }) }, call);
      const again = found.filter(({ life }) => life !== undefined);
      const heads = await library.heads(
        again.map(({ timeline, life }) => storageName(timeline, life as string)),
        call,
      );
      const empty = new Set(again.filter((_, i) => heads[i]?.lastSeqId === 0n));
      const listed = found.filter((each) => !empty.has(each)).map(({ timeline }) => timeline);
      if (listed.length > 0 || found.length < range.limit) return listed;
      after = found.at(-1)?.timeline;
    }
  }

  return {
    capabilities: { ...library.capabilities, drop: true },
    maxInFlight: library.maxInFlight as number,
    get ttlMs() {
      return library.ttlMs;
    },
    append: (writes, call) => {
      const timelines = writes.map(({ timeline }) => timeline);
      return write(timelines, call, async (lives) => {
        const { epoch } = record;
        await records.mark(lives, call);
        const outcomes = await library.append(inPresent(lives, writes), call);
        const isSameEpoch = record.epoch === epoch;
        return outcomes.map((outcome, i) => outcomeIn(lives, timelines[i] as string, outcome, isSameEpoch));
      });
    },
    read: (ranges, call) => {
      const timelines = ranges.map(({ timeline }) => timeline);
      return read(timelines, call, async (lives) => {
        const slices = await library.read(inPresent(lives, ranges), call);
        return slices.map((slice, i) => headIn(lives, timelines[i] as string, slice));
      });
    },
    heads: (timelines, call) =>
      read(timelines, call, async (lives) => {
        const names = timelines.map((timeline) => nameIn(lives, timeline));
        const heads = await library.heads(names, call);
        return heads.map((head, i) => headIn(lives, timelines[i] as string, head));
      }),
    update: (timeline, seqId, payload, ifRevision, call) =>
      write([timeline], call, async (lives) => {
        const name = nameIn(lives, timeline);
        const { epoch, row } = await library.update!(name, seqId, payload, ifRevision, call);
        return { epoch: epoch + lives.get(timeline), row };
      }),
    delete: (timeline, seqId, call) => one(timeline, call, (storage) => library.delete!(storage, seqId, call)),
    trim: (timeline, cut, call) => one(timeline, call, (storage) => library.trim!(storage, cut, call)),
    drop: (timeline, call) => record.runWrite(call, () => drop(timeline, call)),
    timelines: list,
    checkpoints: {
      get: (keys, call) => read(timelinesOf(keys), call, (lives) => checkpoints.get(inPresent(lives, keys), call)),
      advance: (items, call) =>
        write(timelinesOf(items), call, async (lives) => {
          const names = inPresent(lives, items);
          const late = items.findIndex(({ timeline, epoch }) => {
            return lives.get(timeline) !== '' && epoch !== record.epoch + lives.get(timeline);
          });
          if (late < 0) return checkpoints.advance(names, call);
          const [stored] = await checkpoints.get(names.slice(late, late + 1), call);
          throw droppedSince(items[late] as (typeof items)[number], stored);
        }),
      reset: (items, call) =>
        write(timelinesOf(items), call, (lives) => checkpoints.reset(inPresent(lives, items), call)),
    },
    watch: (timeline, wake) => watches.add(timeline, wake),
    close: async (call) => {
      watches.close();
      await ended.close();
      await library.close(call);
    },
  };
}

const timelinesOf = (items: readonly { readonly timeline: string }[]) => items.map(({ timeline }) => timeline);

const nameIn = (lives: Lives, timeline: string) => storageName(timeline, lives.get(timeline) as string);

const inPresent = <T extends { readonly timeline: string }>(lives: Lives, items: readonly T[]): T[] =>
  items.map((item) => ({ ...item, timeline: nameIn(lives, item.timeline) }));

function headIn<Head extends AdapterHead>(lives: Lives, timeline: string, head: Head): Head {
  const life = lives.get(timeline) as string;
  return life === '' ? head : { ...head, epoch: head.epoch + life };
}

function outcomeIn(lives: Lives, timeline: string, outcome: WriteOutcome, isSameEpoch: boolean): WriteOutcome {
  const life = lives.get(timeline) as string;
  if (!outcome.ok) return { ok: false, error: inTermsOf(lives, outcome.error) as TimelineError };
  if (life === '') return outcome;
  if (isSameEpoch) return { ...outcome, epoch: outcome.epoch + life };
  const message = 'the tables of the library were made again meanwhile';
  return { ok: false, error: new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { timeline, outcome: 'unknown' }) };
}

/** Replaces the name of a life in an error by that of its Timeline. */
function inTermsOf(lives: Lives, error: unknown): unknown {
  if (!isTimelineError(error) || error.timeline === undefined) return error;
  const found = [...lives].find(([timeline]) => nameIn(lives, timeline) === error.timeline);
  if (!found || found[0] === error.timeline) return error;
  const { code, message, name: _, stack: __, ...details } = error;
  const { retryable, outcome, cause } = error;
  return new TimelineError(code, message, { ...details, retryable, outcome, cause, timeline: found[0] });
}
