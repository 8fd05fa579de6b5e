import Database from 'better-sqlite3';

/** Hand-written for speed alone: clustered rows, prepared statements, no expiry, no keys, no revisions. */
export function openRaw(path: string, synchronous: 'full' | 'normal') {
  const database = new Database(path);
  database.pragma('page_size = 8192');
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.exec(`
    CREATE TABLE body (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE entry (
      timeline INTEGER, seq INTEGER, body TEXT, ref INTEGER, PRIMARY KEY (timeline, seq)) WITHOUT ROWID`);
  const last = database.prepare<[number], number | null>('SELECT max(seq) FROM entry WHERE timeline = ?').pluck();
  const insert = database.prepare('INSERT INTO entry VALUES (?, ?, ?, NULL)');
  const insertPointer = database.prepare('INSERT INTO entry VALUES (?, ?, NULL, ?)');
  const insertBody = database.prepare('INSERT INTO body (body) VALUES (?)');
  const range = database
    .prepare<unknown[], [number, string]>(
      'SELECT seq, body FROM entry WHERE timeline = ? AND seq > ? ORDER BY seq LIMIT ?',
    )
    .raw();
  const append = (timeline: number, bodies: readonly string[]) => {
    let seq = last.get(timeline) ?? 0;
    for (const body of bodies) insert.run(timeline, ++seq, body);
  };
  return {
    /** Appends all bodies to one Timeline in one transaction. */
    append: database.transaction(append).immediate,
    /** Appends one body to each of the Timelines from `first` on, in one transaction. */
    appendEach: database.transaction((first: number, bodies: readonly string[]) => {
      for (const [i, body] of bodies.entries()) append(first + i, [body]);
    }).immediate,
    fanOut: database.transaction((timelines: readonly number[], body: string) => {
      const { lastInsertRowid } = insertBody.run(body);
      for (const timeline of timelines) insertPointer.run(timeline, (last.get(timeline) ?? 0) + 1, lastInsertRowid);
    }).immediate,
    page: (timeline: number, after: number, limit: number) => range.all(timeline, after, limit),
    /** Reads the entries behind each of `positions` (pairs of Timeline and SeqId) in a single query. */
    sweep(positions: readonly number[]) {
      const pairs = Array(positions.length / 2)
        .fill('(?, ?)')
        .join();
      const news = `WITH c (timeline, seq) AS (VALUES ${pairs})
        SELECT e.timeline, e.seq, e.body FROM c CROSS JOIN entry e ON e.timeline = c.timeline AND e.seq > c.seq`;
      const statement = database.prepare<unknown[], [number, number, string]>(news).raw();
      return () => statement.all(positions);
    },
    close: () => database.close(),
  };
}
