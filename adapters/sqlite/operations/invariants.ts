/** Problems reported of one kind, at most; one more line stands for the rest. */
export const MAX_PER_INVARIANT = 100;

/** The kind of damage. Stable, for programs. */
export type TimelineProblemCode =
  /** SQLite finds its own structures damaged. */
  | 'integrity'
  /** SQLite cannot read the file, or a part of it. */
  | 'unreadable'
  /** A table of this package is not there. */
  | 'schema'
  /** An entry that was appended, and neither trimmed nor expired, is not there. */
  | 'missing'
  /** An entry, key or position of something that is not there; a shared body that is not there or miscounted. */
  | 'reference'
  /** SeqIds or times do not grow along a Timeline. */
  | 'order'
  /** A Timeline ends before what is known of it. */
  | 'head'
  /** A value that no version of this package writes. */
  | 'value';

export interface Invariant {
  readonly code: TimelineProblemCode;
  /** Finds violations: rows of library, Timeline (its encoded id), SeqId and a detail. Each value may be null. */
  readonly sql: string;
  readonly message: (detail: unknown) => string;
}

const NAMES = '(SELECT l.name FROM timeline_libraries l WHERE l.id = t.library) AS library, t.name AS timeline';
const LAST = '(SELECT max(t.floor, coalesce((SELECT max(seq) FROM timeline_entries WHERE timeline = t.id), 0)))';
const MOST_TIME = 8_640_000_000_000_000;

/** Above the floor each entry follows the one before it: `previous` names that, or it is `seq - 1`. */
const CHAIN = `
SELECT ${NAMES}, e.seq, e.expected FROM (
  SELECT timeline, seq, coalesce(previous, seq - 1) AS expected,
    lag(seq, 1, 0) OVER (PARTITION BY timeline ORDER BY seq) AS prior FROM timeline_entries) e
JOIN timeline_timelines t ON t.id = e.timeline
WHERE e.seq > t.floor AND e.expected <> e.prior AND NOT (e.expected <= t.floor AND e.prior <= t.floor)`;

const TIMES = `
SELECT ${NAMES}, e.seq, e.before FROM (
  SELECT timeline, seq, at, lag(at, 1, 0) OVER (PARTITION BY timeline ORDER BY seq) AS before FROM timeline_entries) e
JOIN timeline_timelines t ON t.id = e.timeline
WHERE e.at < e.before AND e.before <= unixepoch() * 1000`;

const EMPTY = `
SELECT ${NAMES}, NULL, NULL FROM timeline_timelines t
WHERE t.floor = 0 AND t.epoch IS NULL AND NOT EXISTS (SELECT 1 FROM timeline_entries WHERE timeline = t.id)`;

const KEYS = `
SELECT ${NAMES}, k.seq, k.key FROM timeline_keys k
JOIN timeline_timelines t ON t.id = k.timeline LEFT JOIN timeline_entries e ON e.timeline = k.timeline AND e.seq = k.seq
WHERE k.seq > t.floor AND e.key IS NOT k.key`;

const BEYOND = `
SELECT l.name, c.timeline, c.seq, c.reader FROM timeline_checkpoints c
LEFT JOIN timeline_libraries l ON l.id = c.library
LEFT JOIN timeline_timelines t ON t.library = c.library AND t.name = c.timeline
WHERE c.epoch = coalesce(t.epoch, (SELECT value FROM timeline_meta WHERE key = 'epoch'))
  AND c.seq > coalesce(${LAST}, 0)`;

const ANCESTORS = `
SELECT ${NAMES}, a.seq, a.epoch FROM timeline_ancestors a JOIN timeline_timelines t ON t.id = a.timeline
WHERE a.seq > ${LAST}`;

const orphans = (table: string, seq: string) => `
SELECT NULL, NULL, min(${seq}), x.timeline FROM ${table} x
WHERE NOT EXISTS (SELECT 1 FROM timeline_timelines t WHERE t.id = x.timeline)
  AND NOT EXISTS (SELECT 1 FROM timeline_dropped d WHERE d.id = x.timeline) GROUP BY x.timeline`;

const NO_LIBRARY = `
SELECT NULL, t.name, NULL, t.library FROM timeline_timelines t
WHERE NOT EXISTS (SELECT 1 FROM timeline_libraries l WHERE l.id = t.library)`;

const DROPPED = `
SELECT ${NAMES}, NULL, t.id FROM timeline_dropped d JOIN timeline_timelines t ON t.id = d.id`;

const BODIES = `
SELECT ${NAMES}, e.seq, e.ref FROM timeline_entries e JOIN timeline_timelines t ON t.id = e.timeline
WHERE e.ref IS NOT NULL AND (e.body IS NOT NULL OR NOT EXISTS (SELECT 1 FROM timeline_bodies b WHERE b.id = e.ref))`;

const COUNTS = `
SELECT NULL, NULL, NULL, b.id FROM timeline_bodies b
LEFT JOIN (SELECT ref, count(*) AS pointers FROM timeline_entries WHERE ref IS NOT NULL GROUP BY ref) p ON p.ref = b.id
WHERE b.refs IS NOT coalesce(p.pointers, 0)`;

const VALUES = `
SELECT ${NAMES}, e.seq, NULL FROM timeline_entries e JOIN timeline_timelines t ON t.id = e.timeline
WHERE NOT (typeof(e.seq) = 'integer' AND e.seq > 0 AND typeof(e.at) = 'integer' AND e.at BETWEEN 0 AND ${MOST_TIME}
  AND typeof(e.body) IN ('text', 'blob', 'null') AND typeof(e.ref) IN ('integer', 'null')
  AND typeof(e.key) IN ('text', 'null')
  AND (e.revision IS NULL OR (typeof(e.revision) = 'integer' AND e.revision > 0))
  AND (e.previous IS NULL OR (typeof(e.previous) = 'integer' AND e.previous BETWEEN 0 AND e.seq - 2)))`;

const TIMELINES = `
SELECT ${NAMES}, NULL, NULL FROM timeline_timelines t
WHERE NOT (typeof(t.name) = 'text' AND typeof(t.floor) = 'integer' AND t.floor >= 0
  AND typeof(t.floor_at) = 'integer' AND typeof(t.epoch) IN ('text', 'null'))`;

const text = (column: string) => `typeof(${column}) = 'text' AND NOT is_utf8(CAST(${column} AS BLOB))`;
const ENTRY_TEXT = `
SELECT ${NAMES}, e.seq, NULL FROM timeline_entries e JOIN timeline_timelines t ON t.id = e.timeline
WHERE (${text('e.body')}) OR (${text('e.key')})`;
const BODY_TEXT = `
SELECT ${NAMES}, min(e.seq), NULL FROM timeline_bodies b
JOIN timeline_entries e ON e.ref = b.id JOIN timeline_timelines t ON t.id = e.timeline
WHERE ${text('b.body')} GROUP BY e.timeline, b.id`;
const NAME_TEXT = `SELECT NULL, t.name, NULL, t.id FROM timeline_timelines t WHERE ${text('t.name')}`;

/** Hold of the tables of every version and process. */
export const INVARIANTS: readonly Invariant[] = [
  {
    code: 'missing',
    sql: CHAIN,
    message: (expected) => `the entries before it are missing: ${expected} should be there`,
  },
  { code: 'missing', sql: EMPTY, message: () => 'all entries are missing' },
  { code: 'missing', sql: KEYS, message: (key) => `the entry of key ${key} is missing or has another key` },
  { code: 'head', sql: BEYOND, message: (reader) => `the position of reader ${reader} lies beyond the newest entry` },
  { code: 'head', sql: ANCESTORS, message: (epoch) => `the Timeline ends before it did in epoch ${epoch}` },
  { code: 'order', sql: TIMES, message: (before) => `the entry is older than the one before it (${before} ms)` },
  {
    code: 'reference',
    sql: orphans('timeline_entries', 'x.seq'),
    message: (id) => `entries of Timeline number ${id}, which is missing`,
  },
  {
    code: 'reference',
    sql: orphans('timeline_keys', 'x.seq'),
    message: (id) => `keys of Timeline number ${id}, which is missing`,
  },
  { code: 'reference', sql: NO_LIBRARY, message: (id) => `a Timeline of library number ${id}, which is missing` },
  { code: 'reference', sql: DROPPED, message: (id) => `the Timeline has the number ${id}, which was dropped` },
  {
    code: 'reference',
    sql: BODIES,
    message: (id) => `the shared body ${id} is missing, or the entry has another as well`,
  },
  {
    code: 'reference',
    sql: COUNTS,
    message: (id) => `the shared body ${id} is pointed to by more or fewer entries than it counts`,
  },
  { code: 'value', sql: VALUES, message: () => 'a value of the entry is none that is ever written' },
  { code: 'value', sql: TIMELINES, message: () => 'a value of the Timeline is none that is ever written' },
];

/** Need the function `is_utf8`, and a database that keeps text as UTF-8. */
export const TEXT_INVARIANTS: readonly Invariant[] = [
  {
    code: 'value',
    sql: ENTRY_TEXT,
    message: () => 'the body or the key is not text any more (bytes that are no UTF-8)',
  },
  { code: 'value', sql: BODY_TEXT, message: () => 'the body is not text any more (bytes that are no UTF-8)' },
  {
    code: 'value',
    sql: NAME_TEXT,
    message: () => 'the id of the Timeline is not text any more (bytes that are no UTF-8)',
  },
];
