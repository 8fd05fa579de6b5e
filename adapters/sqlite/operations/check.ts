import type { DatabaseWorker } from '../file/database-worker.js';
import { otherVersion, SCHEMA_VERSION, TABLE_NAMES } from '../file/schema.js';
import { messageOf, sqliteCode, toTimelineError } from '../file/sqlite-errors.js';
import { checkPath, openSource } from './files.js';
import {
  INVARIANTS,
  type Invariant,
  MAX_PER_INVARIANT,
  TEXT_INVARIANTS,
  type TimelineProblemCode,
} from './invariants.js';

export type { TimelineProblemCode } from './invariants.js';

/** One finding of {@link checkTimelines}. */
export interface TimelineProblem {
  /** Kind of the damage. */
  readonly code: TimelineProblemCode;
  /** Describes the damage. For people: the text may change. */
  readonly message: string;
  /** Name of the damaged library. Absent if none is known. */
  readonly library?: string;
  /** Encoded id of the damaged Timeline, for `decodeTimelineId`. Absent if none is known. */
  readonly timeline?: string;
  /** SeqId of the damaged entry. Absent if none is known. */
  readonly seqId?: bigint;
}

/** Result of {@link checkTimelines}. */
export interface TimelineCheck {
  /** True if no problem was found. */
  readonly ok: boolean;
  /** Findings, at most 100 for each check; one more stands for the rest. */
  readonly problems: readonly TimelineProblem[];
}

/**
 * Looks for damage in a database, which may be in use; changes nothing. A worker thread reads all of it from one
 * snapshot. It runs SQLite's own `integrity_check`, then checks the Timelines: order, missing entries, references,
 * heads.
 *
 * It cannot see changed bytes within a body as long as they are text, nor missing newest entries of a Timeline if no
 * key or reader's position tells of them. It reports at most 100 problems of each kind.
 *
 * Rejects with a `TimelineError` if there is no file, or one of another version; an unreadable part is a problem.
 *
 * @example
 * const { ok, problems } = await checkTimelines('chat.db');
 */
export async function checkTimelines(file: string): Promise<TimelineCheck> {
  const path = checkPath(file, 'file');
  try {
    const problems = await checkFile(path);
    return { ok: problems.length === 0, problems };
  } catch (error) {
    throw toTimelineError(error);
  }
}

async function checkFile(path: string): Promise<TimelineProblem[]> {
  let worker: DatabaseWorker;
  try {
    worker = await openSource(path, 'checkTimelines');
  } catch (error) {
    if (isDamage(error)) return [unreadable(path, error)];
    throw error;
  }
  try {
    await worker.exec('BEGIN');
    return await new Check(worker).run();
  } finally {
    await worker.end();
  }
}

class Check {
  readonly #worker: DatabaseWorker;
  readonly #problems: TimelineProblem[] = [];

  constructor(worker: DatabaseWorker) {
    this.#worker = worker;
  }

  async run(): Promise<TimelineProblem[]> {
    await this.#attempt('the pages', () => this.#integrity());
    if (await this.#hasTables()) {
      for (const invariant of await this.#invariants())
        await this.#attempt(`the tables that '${invariant.code}' is about`, () => this.#check(invariant));
    }
    return this.#problems;
  }

  async #integrity(): Promise<void> {
    const rows = await this.#worker.all(`PRAGMA integrity_check(${MAX_PER_INVARIANT})`);
    for (const [message] of rows as [string][])
      if (message !== 'ok') this.#problems.push({ code: 'integrity', message });
  }

  async #hasTables(): Promise<boolean> {
    const version = await this.#attempt('the version of the tables', async () => {
      const tables = await this.#worker.all("SELECT name FROM sqlite_schema WHERE type = 'table'");
      const names = new Set((tables as [string][]).map(([name]) => name));
      const missing = TABLE_NAMES.filter((name) => !names.has(name));
      if (missing.length > 0)
        this.#problems.push({ code: 'schema', message: `there is no table ${missing.join(', ')}` });
      if (missing.includes('timeline_meta')) return undefined;
      const rows = await this.#worker.all("SELECT value FROM timeline_meta WHERE key = 'schema'");
      if (rows.length === 0) this.#problems.push({ code: 'schema', message: 'the version of the tables is missing' });
      return Number((rows[0] as [string] | undefined)?.[0]);
    });
    if (version === undefined || Number.isNaN(version)) return false;
    if (version !== SCHEMA_VERSION) throw otherVersion('the database', version);
    return true;
  }

  async #invariants(): Promise<readonly Invariant[]> {
    const [encoding] = (await this.#worker.all('PRAGMA encoding')) as [string][];
    if (encoding?.[0] !== 'UTF-8') return INVARIANTS;
    await this.#worker.defineIsUtf8();
    return [...INVARIANTS, ...TEXT_INVARIANTS];
  }

  async #check({ code, sql, message }: Invariant): Promise<void> {
    const rows = await this.#worker.all(`${sql} LIMIT ${MAX_PER_INVARIANT + 1}`);
    for (const [library, timeline, seq, detail] of rows.slice(0, MAX_PER_INVARIANT) as [
      unknown,
      unknown,
      unknown,
      unknown,
    ][]) {
      this.#problems.push({
        code,
        message: message(detail),
        ...(typeof library === 'string' && { library }),
        ...(typeof timeline === 'string' && { timeline }),
        ...(typeof seq === 'bigint' && { seqId: seq }),
      });
    }
    if (rows.length > MAX_PER_INVARIANT) this.#problems.push({ code, message: 'there are more of these' });
  }

  /** Reports an unreadable part as a problem, and goes on: the rest may be readable. */
  async #attempt<T>(subject: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#problems.push(unreadable(subject, error));
      return undefined;
    }
  }
}

function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    code.startsWith('SQLITE_CORRUPT') ||
    code === 'SQLITE_NOTADB' ||
    code.startsWith('SQLITE_IOERR') ||
    code === 'SQLITE_ERROR'
  );
}

function unreadable(subject: string, error: unknown): TimelineProblem {
  return { code: 'unreadable', message: `${subject} cannot be read: ${messageOf(error)}` };
}
