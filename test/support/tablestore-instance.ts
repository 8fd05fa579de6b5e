import { createHash } from 'node:crypto';
import type { AdapterLibrary, LibraryClock, Position, Row, TimelineAdapter } from '../../src/adapter.js';
import { isTimelineError, TimelineError } from '../../src/errors.js';
import { decorateAdapter, type LibraryChanges } from '../../testing/index.js';
import { trusting } from './direct-library.js';
import type { Address } from './tablestore-store.js';

/** The instance that the environment names, all of it or nothing. */
export function instanceOf(environment: NodeJS.ProcessEnv): Address | undefined {
  const { TABLESTORE_ENDPOINT, TABLESTORE_INSTANCE, TABLESTORE_ACCESS_KEY_ID, TABLESTORE_ACCESS_KEY_SECRET } =
    environment;
  const given = [
    TABLESTORE_ENDPOINT,
    TABLESTORE_INSTANCE,
    TABLESTORE_ACCESS_KEY_ID,
    TABLESTORE_ACCESS_KEY_SECRET,
  ].filter(Boolean);
  if (given.length === 0) return undefined;
  if (given.length < 4) {
    throw new Error(
      'TABLESTORE_ENDPOINT, TABLESTORE_INSTANCE, TABLESTORE_ACCESS_KEY_ID and TABLESTORE_ACCESS_KEY_SECRET ' +
        'belong together',
    );
  }
  return {
    endpoint: TABLESTORE_ENDPOINT as string,
    instanceName: TABLESTORE_INSTANCE as string,
    accessKeyId: TABLESTORE_ACCESS_KEY_ID as string,
    accessKeySecret: TABLESTORE_ACCESS_KEY_SECRET as string,
  };
}

/** By the data of a test: how far the service's clock is ahead of the test's, which a service does not follow. */
const shifts = new Map<string, number>();
const DAY_MS = 86_400_000;
const MAX_ID_BYTES = 1024;

/**
 * Puts all libraries of one TTL into the tables of one: an instance has few tables, and a new one takes up to a minute.
 * The beginning of a Timeline's id keeps them apart: it names `run`, the data of one test, and the library; epochs end
 * in `run` too.
 */
export function inSharedTables(adapter: TimelineAdapter, tables: string, run: string): TimelineAdapter {
  return {
    name: adapter.name,
    async open(options) {
      const behind = Date.now() - options.clock.entryTime();
      // One test may have libraries with the time of day besides those with a clock of its own.
      const shift = behind > DAY_MS ? (shifts.get(run) ?? behind) : 0;
      if (shift > 0) shifts.set(run, shift);
      const start = `${run}.${Buffer.from(options.name).toString('hex')}:`;
      const name = `${tables}${options.ttlMs === undefined ? '' : `_${options.ttlMs}`}`;
      const decorated = decorateAdapter(adapter, (library) => renamed(library, { start, end: `-${run}`, shift }));
      return decorated.open({ ...options, name, clock: shifted(options.clock, shift) });
    },
  };
}

/** Ids that are too long with what is put in front of them end in a digest; what they were. */
const shortened = new Map<string, string>();

function shorten(id: string): string {
  if (Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  const short = `${id.slice(0, 100)}~${createHash('sha256').update(id).digest('hex')}`;
  shortened.set(short, id);
  return short;
}

/** An epoch that another run's data had, kept in a checkpoint. */
const FOREIGN = /-[0-9a-f]{12}$/;

interface Renaming {
  readonly start: string;
  readonly end: string;
  readonly shift: number;
}

function renamed(library: AdapterLibrary, { start, end, shift }: Renaming): LibraryChanges {
  const toId = (timeline: string) => shorten(start + timeline);
  const fromId = (id: string) => (shortened.get(id) ?? id).slice(start.length);
  const to = <T extends { readonly timeline: string }>(item: T): T => ({ ...item, timeline: toId(item.timeline) });
  const own = <T extends { readonly epoch: string }>(item: T): T =>
    item.epoch && !FOREIGN.test(item.epoch) ? { ...item, epoch: item.epoch + end } : item;
  const foreign = <T extends Position>(item: T): T =>
    item.epoch.endsWith(end) ? { ...item, epoch: item.epoch.slice(0, -end.length) } : item;
  const row = <T extends Row>(item: T): T => ({ ...item, appendedAt: item.appendedAt - shift });
  const back = (error: unknown): unknown =>
    isTimelineError(error) && error.timeline?.startsWith(start)
      ? new TimelineError(error.code, error.message, {
          ...error,
          cause: error.cause,
          timeline: fromId(error.timeline),
        })
      : error;
  const told = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => Promise.reject(back(error)));
  const { checkpoints } = library;
  return {
    append: async (writes, call) => {
      const outcomes = await told(library.append(writes.map(to), call));
      return outcomes.map((outcome) =>
        outcome.ok ? own(outcome) : { ok: false, error: back(outcome.error) as TimelineError },
      );
    },
    read: async (ranges, call) => {
      const slices = await told(library.read(ranges.map(to), call));
      return slices.map((slice) => ({ ...own(slice), rows: slice.rows.map(row) }));
    },
    heads: async (timelines, call) => (await told(library.heads(timelines.map(toId), call))).map(own),
    update:
      library.update &&
      (async (timeline, ...rest) => {
        const updated = await told(library.update!(toId(timeline), ...rest));
        return own({ ...updated, row: row(updated.row) });
      }),
    delete: library.delete && ((timeline, ...rest) => told(library.delete!(toId(timeline), ...rest))),
    trim: library.trim && ((timeline, ...rest) => told(library.trim!(toId(timeline), ...rest))),
    timelines:
      library.timelines &&
      (async ({ prefix, after, limit }, call) => {
        const range = { prefix: start + prefix, limit, ...(after !== undefined && { after: start + after }) };
        return (await library.timelines!(range, call)).map(fromId);
      }),
    checkpoints: checkpoints && {
      get: async (keys, call) =>
        (await told(checkpoints.get(keys.map(to), call))).map((position) => position && own(position)),
      advance: async (items, call) => (await told(checkpoints.advance(items.map(to).map(foreign), call))).map(own),
      reset: (items, call) => {
        const resets = items.map((item) => ({ ...to(item), position: item.position && foreign(item.position) }));
        return told(checkpoints.reset(resets, call));
      },
    },
    watch: library.watch && ((timeline, wake) => library.watch!(toId(timeline), wake)),
  };
}

/** The same clock, so much later. */
function shifted(clock: LibraryClock, ms: number): LibraryClock {
  return trusting(() => clock.entryTime() + ms);
}
