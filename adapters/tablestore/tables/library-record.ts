import { randomBytes } from 'node:crypto';
import type { Call, LibraryClock } from '../../../src/adapter.js';
import { boundedBy } from '../../../src/budget.js';
import { TimelineError } from '../../../src/errors.js';
import { type LibrarySettings, parseSettings } from '../../../src/settings.js';
import { cutoff, Sweeper } from '../../../src/toolkit/index.js';
import { causeOf, isTableMissing } from '../service/errors.js';
import type { Requests, RowResult, RowWrite } from '../service/requests.js';
import { columnOf, type StoredRecord, type Table } from '../service/values.js';

/** Key in the meta table. No Timeline has an empty id. */
export const RECORD_KEY = ['', 'library'] as const;
const TIME_KEY = ['', 'time'] as const;

/** Interval between two reads of the record. */
const POLL_MS = 10_000;
/** A call waits for a fresh read if the last one is older, as after the machine slept. */
const MAX_AGE_MS = 60_000;
/** Interval between two reads of the service's clock. */
const CLOCK_POLL_MS = 60_000;
/** How long a passed epoch check spares the next one. */
const EPOCH_CHECK_VALID_MS = 10;

/** The columns of the record. */
export interface RecordColumns {
  readonly epoch: string;
  readonly settings: string;
  readonly layout: string;
  /** `yes`: Timelines can be dropped, so that each may have a life record. */
  readonly drop: string;
  /**
   * `making`: the table of entries does not exist yet; `made`: it did, and if it is missing now, its entries are lost.
   */
  readonly state: string;
}

function toColumns({ columns }: StoredRecord): RecordColumns {
  const text = (name: string) => String(columnOf(columns, name) ?? '');
  return {
    epoch: text('epoch'),
    settings: text('settings'),
    layout: text('layout'),
    drop: text('drop'),
    state: text('state'),
  };
}

export function newEpoch(): string {
  return randomBytes(12).toString('base64url');
}

/**
 * The library's epoch and settings, as last read from its record. The record is read again every ten seconds, and at
 * once when the tables may have been deleted and made again: a table is missing, a row has a tag of another epoch, or
 * an epoch check fails beside a write.
 */
export class LibraryRecord {
  readonly #requests: Requests;
  readonly #meta: Table;
  readonly #library: string;
  readonly #clock: LibraryClock;
  readonly #onReplaced: (() => void)[] = [];
  readonly #onTtlChanged: (() => void)[] = [];
  /** Foreign epoch prefixes that were looked into already: rows of an earlier epoch may stay. */
  readonly #foreignPrefixes = new Set<string>();
  #epoch: string;
  #settings: LibrarySettings;
  #readAt = performance.now();
  #clockReadAt: number;
  #epochCheckedAt = Number.NEGATIVE_INFINITY;
  #mayBeReplaced = false;
  #reading: Promise<void> | undefined;
  readonly #poller = new Sweeper({
    step: () => this.reload(this.#requests.transport.newCall()).then(() => POLL_MS),
    retryMs: POLL_MS,
  });

  constructor(
    { requests, meta, library, clock }: { requests: Requests; meta: Table; library: string; clock: LibraryClock },
    columns: RecordColumns,
    clockReadAt: number,
  ) {
    this.#requests = requests;
    this.#meta = meta;
    this.#library = library;
    this.#clock = clock;
    this.#epoch = columns.epoch;
    this.#settings = parseSettings(columns.settings, library);
    this.#clockReadAt = clockReadAt;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Start of every recovery tag that is written in this epoch. */
  get epochPrefix(): string {
    return this.epoch.slice(0, 6);
  }

  get settings(): LibrarySettings {
    return this.#settings;
  }

  /** Milliseconds that readers see an entry; `undefined`: for ever. */
  get ttlMs(): number | undefined {
    return this.#settings.ttlMs ?? undefined;
  }

  /** Entries appended at or before this time have expired. */
  expiryCutoff(): number {
    return cutoff(this.#clock.expiryTime(), this.#settings.ttlMs);
  }

  /** Keys of entries appended at or before this time are forgotten. */
  keyCutoff(): number {
    return cutoff(this.#clock.expiryTime(), this.#settings.keyWindowMs);
  }

  /** The tables may have been deleted and made again since the record was read. */
  get mayBeReplaced(): boolean {
    return this.#mayBeReplaced;
  }

  suspectReplacement(): void {
    this.#mayBeReplaced = true;
  }

  /** Calls `forget` when the epoch has changed: nothing that was known of the tables holds any more. */
  onReplaced(forget: () => void): void {
    this.#onReplaced.push(forget);
  }

  /** Calls `forget` when the TTL has changed: with a longer one, entries may be readable again. */
  onTtlChanged(forget: () => void): void {
    this.#onTtlChanged.push(forget);
  }

  /** Compares the epoch prefix of a row that was read from the table of entries. */
  checkTag(recoveryTag: string): void {
    const prefix = recoveryTag.slice(0, recoveryTag.indexOf('.'));
    if (prefix === this.epochPrefix || this.#foreignPrefixes.has(prefix)) return;
    this.#foreignPrefixes.add(prefix);
    this.#mayBeReplaced = true;
  }

  /**
   * A row to write along with entries: changes nothing, and its condition fails as long as the epoch is the known one.
   * Undefined if a check has just passed.
   */
  epochCheck(): RowWrite | undefined {
    if (performance.now() - this.#epochCheckedAt < EPOCH_CHECK_VALID_MS) return undefined;
    const condition = [{ column: 'epoch', is: 'NOT_EQUAL', value: this.epoch, passIfMissing: true } as const];
    return { table: this.#meta, key: RECORD_KEY, type: 'UPDATE', remove: ['none'], expect: 'exists', condition };
  }

  /** True if the check shows that the entries written along with it are in the tables that were opened. */
  passesEpochCheck(result: RowResult | undefined): boolean {
    if (!result) return true;
    if (!result.ok && result.error.failure === 'condition') this.#epochCheckedAt = performance.now();
    else if (result.ok || result.error.failure === 'missing') {
      this.suspectReplacement();
      return false;
    }
    return true;
  }

  startPolling(): void {
    this.#poller.start(POLL_MS);
  }

  close(): void {
    void this.#poller.close();
  }

  /** Runs a read again if the tables turn out to be replaced: no result mixes two epochs. */
  async runRead<T>(call: Call, run: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#refresh(call);
      const { epoch } = this;
      const result = await this.#noticeMissing(run);
      if (this.#mayBeReplaced) await this.reload(call);
      if (this.epoch === epoch) return result;
    }
  }

  async runWrite<T>(call: Call, run: () => Promise<T>): Promise<T> {
    await this.#refresh(call);
    return this.#noticeMissing(run);
  }

  async #noticeMissing<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (isTableMissing(error)) this.suspectReplacement();
      throw error;
    }
  }

  async #refresh(call: Call): Promise<void> {
    if (this.#mayBeReplaced) await this.reload(call);
    else if (performance.now() - this.#readAt > MAX_AGE_MS) await this.reload(call).catch(() => {});
  }

  /** Reads the record again. Rejects with a retryable error if it does not exist. */
  reload({ deadline }: Call): Promise<void> {
    this.#reading ??= this.#read(this.#requests.transport.newCall()).finally(() => {
      this.#reading = undefined;
    });
    const reading = this.#reading;
    return boundedBy(
      deadline,
      () => this.missingError('it could not be read in time'),
      () => reading,
    );
  }

  missingError(why = 'a table was deleted; opening the library again makes it'): TimelineError {
    const message = `the record of library ${this.#library} is not there: ${why}`;
    return new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true });
  }

  async #read(call: Call): Promise<void> {
    this.#readAt = performance.now();
    const readsClock = this.#readAt - this.#clockReadAt > CLOCK_POLL_MS && !this.#clock.trustsNow;
    try {
      const columns = await readRecord(this.#requests, this.#meta, readsClock ? this.#clock : undefined, call);
      if (!columns) throw this.missingError();
      if (readsClock) this.#clockReadAt = this.#readAt;
      this.#replace(columns);
    } catch (error) {
      if (causeOf(error).failure === 'missing') this.suspectReplacement();
      throw error;
    }
  }

  #replace(columns: RecordColumns): void {
    const { ttlMs } = this;
    this.#settings = parseSettings(columns.settings, this.#library);
    this.#mayBeReplaced = false;
    if (this.ttlMs !== ttlMs) for (const forget of this.#onTtlChanged) forget();
    if (columns.epoch === this.#epoch) return;
    this.#epoch = columns.epoch;
    this.#foreignPrefixes.clear();
    this.#epochCheckedAt = Number.NEGATIVE_INFINITY;
    for (const forget of this.#onReplaced) forget();
  }
}

/**
 * Reads the record. If a clock is given, it follows the service's: a cell is written for that, and its version is the
 * service's time.
 */
export async function readRecord(
  requests: Requests,
  meta: Table,
  clock: LibraryClock | undefined,
  call: Call,
): Promise<RecordColumns | undefined> {
  const nonce = randomBytes(6).toString('base64url');
  const sentAt = performance.now();
  let writtenAt = Number.NaN;
  if (clock) {
    const put = [{ name: 'by', value: nonce }];
    const [result] = await requests.write([{ table: meta, key: TIME_KEY, type: 'PUT', put }], call);
    if (result?.ok) writtenAt = performance.now();
  }
  const [record, time] = await requests.get(meta, [RECORD_KEY, ...(clock ? [TIME_KEY] : [])], call);
  const cell = time?.columns.find(({ name }) => name === 'by');
  if (clock && cell && !Number.isNaN(writtenAt)) {
    // With another nonce, another process has written the cell in between: after this write and before this read.
    const at = cell.value === nonce ? (sentAt + writtenAt) / 2 : (writtenAt + performance.now()) / 2;
    clock.follow(cell.version + performance.now() - at);
  }
  return record && toColumns(record);
}
