import { memoryAdapter } from '../../../adapters/memory/index.js';
import type { AdapterLibrary, Write, WriteOutcome } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { decorateAdapter, type LibraryChanges } from '../../../testing/index.js';
import { CALL, type Mutant, mapEntries, mapRows, mutant, pause, renamed, statefulMutant } from './mutant.js';

/** Ids that readers are not shown yet. */
type Hidden = Set<string>;

const place = (timeline: string, seqId: bigint) => `${timeline} ${seqId}`;

const showingLater =
  (answer: 'before' | 'after') =>
  (library: AdapterLibrary, hidden: Hidden): LibraryChanges => ({
    async append(writes) {
      const outcomes = await library.append(writes, CALL);
      const places = outcomes.flatMap((outcome, index) =>
        outcome.ok
          ? outcome.entries
              .filter(({ seqId }) => seqId % 3n === 1n)
              .map(({ seqId }) => place(writes[index]!.timeline, seqId))
          : [],
      );
      for (const each of places) hidden.add(each);
      const shown = pause(5).then(() => {
        for (const each of places) hidden.delete(each);
      });
      if (answer === 'after') await shown;
      return outcomes;
    },
    async read(ranges) {
      const slices = await library.read(ranges, CALL);
      return slices.map((slice, index) => ({
        ...slice,
        rows: slice.rows.filter(({ seqId }) => !hidden.has(place(ranges[index]!.timeline, seqId))),
      }));
    },
  });

/** Numbering that starts again at 1 in a Timeline that holds no entry any more. */
function startingAgain(library: AdapterLibrary, lives: Map<string, number>): LibraryChanges {
  const name = (timeline: string) => `${timeline}${'#'.repeat(lives.get(timeline) ?? 0)}`;
  const changes = renamed(name)(library);
  return {
    ...changes,
    async append(writes) {
      for (const { timeline } of writes) {
        const [head] = await library.heads([name(timeline)], CALL);
        if (head && head.lastSeqId > 0n && head.firstSeqId > head.lastSeqId)
          lives.set(timeline, (lives.get(timeline) ?? 0) + 1);
      }
      return changes.append!(writes, CALL);
    },
  };
}

/** Writes applied one after another, each changed by what the Timeline holds then. */
const oneByOne =
  (apply: (library: AdapterLibrary, write: Write) => Promise<WriteOutcome>) =>
  (library: AdapterLibrary): LibraryChanges => ({
    async append(writes) {
      const outcomes: WriteOutcome[] = [];
      for (const write of writes) outcomes.push(await apply(library, write));
      return outcomes;
    },
  });

const single = async (library: AdapterLibrary, write: Write) => (await library.append([write], CALL))[0]!;

async function withGaps(library: AdapterLibrary, write: Write): Promise<WriteOutcome> {
  const [head] = await library.heads([write.timeline], CALL);
  const seqId = (index: number) => head!.lastSeqId + 2n * BigInt(index + 1);
  return single(library, {
    ...write,
    entries: write.entries.map((entry, index) => ({ seqId: seqId(index), ...entry })),
  });
}

async function entryByEntry(library: AdapterLibrary, write: Write): Promise<WriteOutcome> {
  let last: WriteOutcome | undefined;
  const entries = [];
  for (const entry of write.entries) {
    last = await single(library, { ...write, entries: [entry] });
    if (!last.ok) return last;
    entries.push(...last.entries);
    await pause(0);
  }
  return { ...(last as Extract<WriteOutcome, { ok: true }>), entries };
}

async function checkedTooEarly(library: AdapterLibrary, { expectedLast, ...write }: Write): Promise<WriteOutcome> {
  const [head] = await library.heads([write.timeline], CALL);
  if (expectedLast !== undefined && expectedLast !== head?.lastSeqId) {
    const details = { expected: expectedLast, actual: head!.lastSeqId };
    return { ok: false, error: new TimelineError('TIMELINE_CONFLICT', 'not the last', details) };
  }
  await pause(1);
  return single(library, write);
}

async function lastOneDropped(library: AdapterLibrary, write: Write): Promise<WriteOutcome> {
  const outcome = await single(library, {
    ...write,
    entries: write.entries.slice(0, Math.max(1, write.entries.length - 1)),
  });
  if (!outcome.ok) return outcome;
  const top = outcome.entries.at(-1)!.seqId;
  return {
    ...outcome,
    entries: write.entries.map((_, index) => outcome.entries[index] ?? { seqId: top + 1n, duplicate: false }),
  };
}

async function keylessTwice(library: AdapterLibrary, write: Write): Promise<WriteOutcome> {
  if (write.entries.every((entry) => entry.key === undefined)) await library.append([write], CALL);
  return single(library, write);
}

const forgetsKeys = mapEntries(({ key: _, ...entry }) => entry);

export const appendMutants: readonly Mutant[] = [
  mutant('Order', 'numbers a batch from its end', (library) => ({
    append: async (writes) => [...(await library.append([...writes].reverse(), CALL))].reverse(),
  })),
  mutant(
    'Order',
    'lets times fall along a Timeline',
    mapRows((row, index) => ({ ...row, appendedAt: row.appendedAt - index })),
  ),
  statefulMutant('Visibility', 'shows an entry after one behind it', () => new Set<string>(), showingLater('after')),
  mutant('Visibility', 'shows ids in the head before the entry', (library) => ({
    heads: async (ids) => (await library.heads(ids, CALL)).map((head) => ({ ...head, lastSeqId: head.lastSeqId + 1n })),
  })),
  statefulMutant(
    'Read your writes',
    'answers before an entry can be read',
    () => new Set<string>(),
    showingLater('before'),
  ),
  statefulMutant(
    'No reuse',
    'numbers from 1 again when nothing is left',
    () => new Map<string, number>(),
    startingAgain,
  ),
  mutant('Density', 'leaves gaps though it says dense', oneByOne(withGaps)),
  mutant('Idempotence', 'forgets keys at once', forgetsKeys),
  mutant(
    'Idempotence',
    'takes another body under a known key for a duplicate',
    mapEntries((entry) => ({ ...entry, payload: { ...entry.payload, hash: 'same' } })),
  ),
  mutant(
    'Idempotence',
    'takes keys that differ in case for one',
    mapEntries((entry) => (entry.key === undefined ? entry : { ...entry, key: entry.key.toLowerCase() })),
  ),
  {
    law: 'Idempotence',
    breaks: 'forgets keys before the declared window is over',
    create: () =>
      decorateAdapter(memoryAdapter({ keyWindowMs: 1000 }), (library) => ({
        capabilities: declared(library, { keyWindowMs: 5000 }),
      })),
  },
  {
    law: 'Idempotence',
    breaks: 'remembers keys longer than declared',
    create: () =>
      decorateAdapter(memoryAdapter({ keyWindowMs: 5000 }), (library) => ({
        capabilities: declared(library, { keyWindowMs: 1000 }),
      })),
  },
  mutant('Expectation', 'ignores expectedLast', (library) => ({
    append: (writes) =>
      library.append(
        writes.map(({ expectedLast: _, ...write }) => write),
        CALL,
      ),
  })),
  mutant('Expectation', 'checks expectedLast before it holds the Timeline', oneByOne(checkedTooEarly)),
  mutant(
    'Manual ids',
    'ignores the id chosen',
    mapEntries(({ seqId: _, ...entry }) => entry),
  ),
  mutant(
    'Manual ids',
    'keeps ids as floating point numbers',
    mapEntries((entry) => (entry.seqId === undefined ? entry : { ...entry, seqId: BigInt(Number(entry.seqId)) })),
  ),
  mutant('Atomic append', 'appends entry by entry', oneByOne(entryByEntry)),
  mutant('Atomic append', 'drops the last of a batch', oneByOne(lastOneDropped)),
  mutant('Outcome', 'writes again blindly what has no key', oneByOne(keylessTwice)),
  mutant('Outcome', 'does not find by its key what it has taken', forgetsKeys),
  mutant('Back-pressure', 'fails the neighbours of a bad write', (library) => ({
    async append(writes) {
      const outcomes = await library.append(writes, CALL);
      return outcomes.find((outcome) => !outcome.ok)
        ? outcomes.map(() => outcomes.find((outcome) => !outcome.ok)!)
        : outcomes;
    },
  })),
  mutant('Batches', 'answers writes out of order', (library) => ({
    append: async (writes) => [...(await library.append(writes, CALL))].reverse(),
  })),
  mutant('Fan-out', 'gives a shared body to the first Timeline only', (library) => ({
    append: (writes) =>
      library.append(
        writes.map((write, index) => ({
          ...write,
          entries: write.entries.map((entry) =>
            entry.payload.shared && index > 0 ? { ...entry, payload: { ...entry.payload, body: 'null' } } : entry,
          ),
        })),
        CALL,
      ),
  })),
];

export function declared(
  library: AdapterLibrary,
  claims: Partial<AdapterLibrary['capabilities']>,
): AdapterLibrary['capabilities'] {
  return Object.freeze({ ...library.capabilities, ...claims });
}
