import type {
  AdapterHead,
  AdapterLibrary,
  Capabilities,
  Count,
  Position,
  Row,
  Slice,
  Write,
  WriteOutcome,
} from './adapter.js';
import { invalidArgument, isTimelineError, TimelineError } from './errors.js';
import { describeValue } from './text.js';

type Check = (value: unknown) => boolean;

const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isCountOrNull: Check = (value) => value === null || isCount(value);
const isOneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string);

const CAPABILITIES: { readonly [name in keyof Capabilities]: Check } = {
  adapter: (value) => typeof value === 'string' && value !== '',
  dense: isBoolean,
  visibility: isOneOf('strict', 'settled'),
  atomicBatch: isCount,
  maxAtomicBytes: isCount,
  maxBodyBytes: isCount,
  keyWindowMs: isCountOrNull,
  expectedLast: isBoolean,
  manualIds: isBoolean,
  update: isBoolean,
  delete: isBoolean,
  trim: isBoolean,
  drop: isBoolean,
  timelines: isBoolean,
  checkpoints: isBoolean,
  signals: isOneOf('none', 'process', 'store'),
  minTtlMs: isCountOrNull,
  budgetMs: (value) => isCount(value) && value !== 0,
  wakeWithinMs: isCount,
  durability: isOneOf('none', 'process', 'power', 'machine'),
  readOnly: isBoolean,
};

const ALWAYS = ['append', 'read', 'heads', 'close'] as const;
const BY_CAPABILITY = ['update', 'delete', 'trim', 'drop', 'timelines'] as const;
const OF_SIGNALS = ['publish', 'listen'] as const;
const OF_CHECKPOINTS = ['get', 'advance', 'reset'] as const;

/** Throws `TIMELINE_INVALID_ARGUMENT`, with the member's name, for a library that does not match its declarations. */
export function checkLibrary(adapter: string, library: AdapterLibrary): void {
  const fail = (problem: string) => invalidArgument('adapter', `'${adapter}' ${problem}`);
  if (typeof library !== 'object' || library === null)
    throw fail(`opened ${describeValue(library)} instead of a library`);
  const { capabilities } = library;
  if (typeof capabilities !== 'object' || capabilities === null) throw fail('opened a library without capabilities');
  for (const name of Object.keys(CAPABILITIES) as (keyof Capabilities)[]) {
    if (CAPABILITIES[name](capabilities[name])) continue;
    throw fail(`declares the capability ${name} as ${describeValue(capabilities[name])}`);
  }
  for (const name of ALWAYS) if (typeof library[name] !== 'function') throw fail(`has no method ${name}`);
  for (const name of BY_CAPABILITY) {
    if (capabilities[name] && typeof library[name] !== 'function')
      throw fail(`declares ${name} and has no such method`);
  }
  for (const name of OF_SIGNALS) {
    if (capabilities.signals !== 'none' && typeof library[name] !== 'function')
      throw fail(`declares signals and has no method ${name}`);
  }
  if (!capabilities.checkpoints) return;
  for (const name of OF_CHECKPOINTS) {
    if (typeof library.checkpoints?.[name] !== 'function')
      throw fail(`declares checkpoints and has no checkpoints.${name}`);
  }
}

/**
 * Returns outcomes that match the contract; an invalid one becomes an unknown outcome. Throws if there is no list of
 * outcomes.
 */
export function checkOutcomes(
  adapter: string,
  outcomes: readonly WriteOutcome[],
  writes: readonly Write[],
): readonly WriteOutcome[] {
  if (!Array.isArray(outcomes)) throw misshapen(adapter, 'append', describeValue(outcomes), 'unknown');
  return writes.map(({ entries }, i) => {
    const outcome = outcomes[i] as WriteOutcome | undefined;
    const problem = problemOf(outcome, entries.length);
    if (problem === undefined) return outcome as WriteOutcome;
    return { ok: false, error: misshapen(adapter, 'append', problem, 'unknown') };
  });
}

function problemOf(outcome: WriteOutcome | undefined, count: number): string | undefined {
  if (typeof outcome !== 'object' || outcome === null) return `no outcome for a write but ${describeValue(outcome)}`;
  if (!outcome.ok) return isTimelineError(outcome.error) ? undefined : 'an outcome whose error is no TimelineError';
  if (typeof outcome.epoch !== 'string') return `an outcome with the epoch ${describeValue(outcome.epoch)}`;
  const { entries } = outcome;
  if (!Array.isArray(entries) || entries.length !== count) return `an outcome without ${count} entries`;
  for (const { seqId } of entries)
    if (typeof seqId !== 'bigint') return `an entry with the seqId ${describeValue(seqId)}`;
  return undefined;
}

/** Checks the answers of `read`, one per range. */
export function checkSlices(adapter: string, slices: readonly Slice[], count: number): readonly Slice[] {
  checkList(adapter, 'read', slices, count);
  for (const slice of slices) {
    checkHead(adapter, 'read', slice);
    if (!Array.isArray(slice.rows))
      throw misshapen(adapter, 'read', `a slice with the rows ${describeValue(slice.rows)}`);
    const wrong = slice.rows.findIndex((row) => typeof row?.seqId !== 'bigint' || typeof row.appendedAt !== 'number');
    if (wrong >= 0) checkRow(adapter, 'read', slice.rows[wrong] as Row);
  }
  return slices;
}

export function checkHeads(adapter: string, heads: readonly AdapterHead[], count: number): readonly AdapterHead[] {
  checkList(adapter, 'heads', heads, count);
  for (const head of heads) checkHead(adapter, 'heads', head);
  return heads;
}

/** Checks the answers of `count`, one per range. */
export function checkCounts(adapter: string, counts: readonly Count[], atMost: readonly number[]): readonly Count[] {
  checkList(adapter, 'count', counts, atMost.length);
  counts.forEach((each, i) => {
    checkHead(adapter, 'count', each);
    if (!isCount(each.count) || each.count > (atMost[i] as number))
      throw misshapen(adapter, 'count', `the count ${describeValue(each.count)} of at most ${atMost[i]}`);
  });
  return counts;
}

export function checkUpdated(adapter: string, answer: { epoch: string; row: Row }): { epoch: string; row: Row } {
  if (typeof answer?.epoch !== 'string') throw misshapen(adapter, 'update', 'no epoch', 'applied');
  checkRow(adapter, 'update', answer.row);
  return answer;
}

/** Checks the answers of `checkpoints.get` (which may be `undefined`) and `checkpoints.advance`. */
export function checkPositions<P extends Position | undefined>(
  adapter: string,
  method: 'get' | 'advance',
  positions: readonly P[],
  count: number,
): readonly P[] {
  checkList(adapter, `checkpoints.${method}`, positions, count);
  for (const position of positions) {
    if (position === undefined && method === 'get') continue;
    if (typeof position?.seqId === 'bigint' && typeof position.epoch === 'string') continue;
    throw misshapen(adapter, `checkpoints.${method}`, `the position ${describeValue(position)}`);
  }
  return positions;
}

function checkList(adapter: string, method: string, answers: readonly unknown[], count: number): void {
  if (Array.isArray(answers) && answers.length === count) return;
  const given = Array.isArray(answers) ? `${answers.length} answers` : describeValue(answers);
  throw misshapen(adapter, method, `${given} where ${count} were asked for`);
}

function checkHead(adapter: string, method: string, head: AdapterHead): void {
  const bad = (field: string, value: unknown) =>
    misshapen(adapter, method, `a head with the ${field} ${describeValue(value)}`);
  if (typeof head?.epoch !== 'string') throw bad('epoch', head?.epoch);
  if (typeof head.firstSeqId !== 'bigint') throw bad('firstSeqId', head.firstSeqId);
  if (typeof head.lastSeqId !== 'bigint') throw bad('lastSeqId', head.lastSeqId);
}

function checkRow(adapter: string, method: string, row: Row): void {
  if (typeof row?.seqId !== 'bigint')
    throw misshapen(adapter, method, `a row with the seqId ${describeValue(row?.seqId)}`);
  if (typeof row.appendedAt !== 'number')
    throw misshapen(adapter, method, `a row with the appendedAt ${describeValue(row.appendedAt)}`);
}

function misshapen(
  adapter: string,
  method: string,
  given: string,
  outcome: 'not-applied' | 'applied' | 'unknown' = 'not-applied',
) {
  const code = outcome === 'unknown' ? 'TIMELINE_OUTCOME_UNKNOWN' : 'TIMELINE_UNAVAILABLE';
  return new TimelineError(code, `the adapter '${adapter}' breaks its contract: ${method} answered ${given}`, {
    outcome,
  });
}
