import { randomBytes } from 'node:crypto';
import type { Call, LibraryClock } from '../../../src/adapter.js';
import { boundedBy } from '../../../src/budget.js';
import { TimelineError } from '../../../src/errors.js';
import { type LibrarySettings, parseSettings } from '../../../src/settings.js';
import { causeOf } from '../service/errors.js';
import type { Requests, RowResult, RowWrite } from '../service/requests.js';
import { columnOf, type StoredRecord, type Table } from '../service/values.js';

/** In the meta table under no Timeline. */
export const RECORD = ['', 'library'] as const;
const TIME = ['', 'time'] as const;

/** The record is read so often. */
const LOOK_MS = 10_000;
/** A call waits for it where that was so long ago, as after a machine slept. */
const STALE_MS = 60_000;
/** The service's clock is read so often: between, time goes on by itself. */
const TIME_MS = 60_000;
/** So long an answer of the service says that the library is still the same. */
const CONFIRMED_MS = 10;

/** What is kept of a library in its record. */
export interface Kept {
  readonly epoch: string;
  readonly settings: string;
  readonly layout: string;
  /** `making`: the table of entries is not there yet; `made`: it was there, and if it is not, its entries were lost. */
  readonly state: string;
}

function toKept({ columns }: StoredRecord): Kept {
  const text = (name: string) => String(columnOf(columns, name) ?? '');
  return { epoch: text('epoch'), settings: text('settings'), layout: text('layout'), state: text('state') };
}

/** New for each life of the data. */
export function newEpoch(): string {
  return randomBytes(12).toString('base64url');
}

/**
 * The library's record as this process last saw it: epoch and settings. It is read again now and then, and at once when something
 * shows that the tables are not those that were opened: a table is missing, a row has the mark of another epoch, or the record has
 * another one by the time that entries are written.
 */
export class LibraryRecord {
  readonly #requests: Requests;
  readonly #meta: Table;
  readonly #library: string;
  readonly #clock: LibraryClock;
  readonly #renewed: (() => void)[] = [];
  /** Marks of other epochs that stand in the tables of this one. */
  readonly #foreign = new Set<string>();
  #kept: Kept;
  #settings: LibrarySettings;
  #lookedAt = performance.now();
  #timedAt = Number.NEGATIVE_INFINITY;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #isSuspect = false;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    { requests, meta, library, clock }: { requests: Requests; meta: Table; library: string; clock: LibraryClock },
    kept: Kept,
    timedAt: number,
  ) {
    this.#requests = requests;
    this.#meta = meta;
    this.#library = library;
    this.#clock = clock;
    this.#kept = kept;
    this.#settings = parseSettings(kept.settings, library);
    this.#timedAt = timedAt;
  }

  get epoch(): string {
    return this.#kept.epoch;
  }

  /** Begins the tokens of rows that are written in this epoch. */
  get mark(): string {
    return this.epoch.slice(0, 6);
  }

  get settings(): LibrarySettings {
    return this.#settings;
  }

  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** `forget` is called when the tables turn out to be others: nothing that was known of them holds. */
  onRenewed(forget: () => void): void {
    this.#renewed.push(forget);
  }

  suspect(): void {
    this.#isSuspect = true;
  }

  /** A row with this token is in the table of entries. */
  sawToken(token: string): void {
    const mark = token.slice(0, token.indexOf('.'));
    if (mark === this.mark || this.#foreign.has(mark)) return;
    this.#foreign.add(mark);
    this.#isSuspect = true;
  }

  /** To be written along with entries: changes nothing, and fails by its condition as long as the epoch is the one known here. */
  check(): RowWrite | undefined {
    if (performance.now() - this.#confirmedAt < CONFIRMED_MS) return undefined;
    const condition = [{ column: 'epoch', is: 'NOT_EQUAL', value: this.epoch, passIfMissing: true } as const];
    return { table: this.#meta, key: RECORD, type: 'UPDATE', remove: ['none'], expect: 'exists', condition };
  }

  /** Resolves with whether what was written along with it went into the tables that were opened. */
  checked(result: RowResult | undefined): boolean {
    if (!result) return true;
    if (!result.ok && result.error.failure === 'condition') this.#confirmedAt = performance.now();
    else if (result.ok || result.error.failure === 'missing') {
      this.suspect();
      return false;
    }
    return true;
  }

  /** Looks at it now and then until it is closed. */
  follow(): void {
    this.#timer = setTimeout(() => {
      const next = () => this.#timer && this.follow();
      this.look(this.#requests.transport.newCall()).then(next, next);
    }, LOOK_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Before each call: what is doubtful is settled first. */
  async refresh(call: Call): Promise<void> {
    const age = performance.now() - this.#lookedAt;
    if (this.#isSuspect) await this.look(call);
    else if (age > STALE_MS) await this.look(call).catch(() => {});
  }

  /** Reads the record again. Rejects with a passing error if there is none. */
  look({ deadline }: Call): Promise<void> {
    this.#looking ??= this.#read(this.#requests.transport.newCall()).finally(() => {
      this.#looking = undefined;
    });
    const looking = this.#looking;
    return boundedBy(
      deadline,
      () => goneError(this.#library, 'it could not be read in time'),
      () => looking,
    );
  }

  gone(): TimelineError {
    return goneError(this.#library, 'a table was deleted; opening the library again makes it');
  }

  async #read(call: Call): Promise<void> {
    this.#lookedAt = performance.now();
    const isTimed = this.#lookedAt - this.#timedAt > TIME_MS && !this.#clock.trustsNow;
    try {
      const { record } = await readRecord(this.#requests, this.#meta, isTimed ? this.#clock : undefined, call);
      if (!record) throw this.gone();
      if (isTimed) this.#timedAt = this.#lookedAt;
      this.#take(record);
    } catch (error) {
      if (causeOf(error).failure === 'missing') this.suspect();
      throw error;
    }
  }

  #take(record: Kept): void {
    const isSame = record.epoch === this.epoch;
    this.#settings = parseSettings(record.settings, this.#library);
    this.#kept = record;
    this.#isSuspect = false;
    if (isSame) return;
    this.#foreign.clear();
    this.#confirmedAt = Number.NEGATIVE_INFINITY;
    for (const forget of this.#renewed) forget();
  }
}

/** The record; and where there is a clock, the service's is read too, from the version of a cell that is written for that. */
export async function readRecord(
  requests: Requests,
  meta: Table,
  clock: LibraryClock | undefined,
  call: Call,
): Promise<{ readonly record: Kept | undefined }> {
  const nonce = randomBytes(6).toString('base64url');
  const sent = performance.now();
  let written = Number.NaN;
  if (clock) {
    const [result] = await requests.write(
      [{ table: meta, key: TIME, type: 'PUT', put: [{ name: 'by', value: nonce }] }],
      call,
    );
    if (result?.ok) written = performance.now();
  }
  const [record, time] = await requests.get(meta, [RECORD, ...(clock ? [TIME] : [])], call);
  const cell = time?.columns.find(({ name }) => name === 'by');
  if (clock && cell && !Number.isNaN(written)) {
    // Another process may have written it since: later than this one, and before it was read.
    const at = cell.value === nonce ? (sent + written) / 2 : (written + performance.now()) / 2;
    clock.follow(cell.version + performance.now() - at);
  }
  return { record: record && toKept(record) };
}

function goneError(library: string, why: string): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', `the record of library ${library} is not there: ${why}`, {
    retryable: true,
  });
}
