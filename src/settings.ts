import { invalidArgument, TimelineError } from './errors.js';

/** Settings of a library, stored with its data since it was created. */
export interface LibrarySettings {
  /** Version of the adapter's stored format; raised when older releases could not read or write it. */
  readonly format: number;
  /** Milliseconds that an entry is kept; `null` keeps it for ever. */
  readonly ttlMs: number | null;
  /** Milliseconds that an idempotency key is remembered; `null` remembers it for ever. */
  readonly keyWindowMs: number | null;
  /** Adapter's name for the way it assigns SeqIds. */
  readonly numbering: string;
}

/** Settings that a caller asks for. */
export interface WantedSettings {
  /** Format that this release reads and writes. */
  readonly format: number;
  /** Adapter's name for the way it assigns SeqIds. */
  readonly numbering: string;
  /** Milliseconds; `Infinity` keeps entries for ever. Default: the stored value; `Infinity` for a new library. */
  readonly ttlMs?: number | undefined;
  /** Milliseconds. Default: the stored value; `defaultKeyWindowMs` for a new library. */
  readonly keyWindowMs?: number | undefined;
  /** Key window of a new library; `null` remembers keys for ever. */
  readonly defaultKeyWindowMs: number | null;
}

/** Result of {@link reconcileSettings}. */
export interface Reconciled {
  /** Settings that now apply. */
  readonly settings: LibrarySettings;
  /** Text to store with the data. */
  readonly text: string;
  /** True if `text` differs from the stored text: write it. */
  readonly changed: boolean;
}

/**
 * Law Settings: compares the wanted settings with the stored text, `undefined` for a new library. Throws
 * `TIMELINE_INVALID_ARGUMENT` with `expected` (wanted) and `actual` (stored; `Infinity` means for ever) if they differ
 * and `alter` is false. The numbering and the format cannot be altered: `TIMELINE_INVALID_ARGUMENT` and
 * `TIMELINE_UNSUPPORTED`.
 *
 * @example
 * ```ts
 * const { settings, text, changed } = reconcileSettings(await load(name), wanted, { library: name, alter });
 * if (changed) await save(name, text);
 * ```
 */
export function reconcileSettings(
  kept: string | undefined,
  wanted: WantedSettings,
  { library, alter }: { readonly library: string; readonly alter: boolean },
): Reconciled {
  const { format, numbering, defaultKeyWindowMs } = wanted;
  if (kept === undefined) {
    const ttlMs = finite(wanted.ttlMs ?? Number.POSITIVE_INFINITY);
    const keyWindowMs = wanted.keyWindowMs === undefined ? defaultKeyWindowMs : finite(wanted.keyWindowMs);
    return reconciled({ format, ttlMs, keyWindowMs, numbering }, undefined);
  }
  const stands = parseSettings(kept, library);
  if (stands.format !== format) {
    const message = `the data of ${library} have format ${stands.format}; this version needs format ${format}`;
    throw new TimelineError('TIMELINE_UNSUPPORTED', message, { expected: format, actual: stands.format });
  }
  if (stands.numbering !== numbering) {
    const problem = `of ${library} is '${stands.numbering}' since its creation and cannot become '${numbering}'`;
    throw invalidArgument('numbering', problem);
  }
  const ttlMs = decide('ttlMs', wanted.ttlMs, stands.ttlMs, library, alter);
  const keyWindowMs = decide('keyWindowMs', wanted.keyWindowMs, stands.keyWindowMs, library, alter);
  return reconciled({ format, ttlMs, keyWindowMs, numbering }, kept);
}

/** Parses the stored text. Every process reads it again before it removes anything. */
export function parseSettings(text: string, library: string): LibrarySettings {
  try {
    const { format, ttlMs, keyWindowMs, numbering } = JSON.parse(text) as LibrarySettings;
    if (Number.isSafeInteger(format) && isSpan(ttlMs) && isSpan(keyWindowMs) && typeof numbering === 'string') {
      return { format, ttlMs, keyWindowMs, numbering };
    }
  } catch {}
  throw new TimelineError('TIMELINE_UNAVAILABLE', `the settings kept with the data of ${library} are not readable`);
}

function decide(
  argument: 'ttlMs' | 'keyWindowMs',
  wanted: number | undefined,
  stands: number | null,
  library: string,
  alter: boolean,
): number | null {
  if (wanted === undefined || finite(wanted) === stands) return stands;
  if (alter) return finite(wanted);
  const actual = stands ?? Number.POSITIVE_INFINITY;
  const problem = `of ${library} is ${told(actual)}, not ${told(wanted)}: omit it, or set alter: true to change it`;
  throw invalidArgument(argument, problem, { expected: wanted, actual });
}

function reconciled({ format, ttlMs, keyWindowMs, numbering }: LibrarySettings, kept: string | undefined): Reconciled {
  const settings = { format, ttlMs, keyWindowMs, numbering };
  const text = JSON.stringify(settings);
  return { settings, text, changed: text !== kept };
}

function finite(ms: number): number | null {
  return ms === Number.POSITIVE_INFINITY ? null : ms;
}

function told(ms: number): string {
  return ms === Number.POSITIVE_INFINITY ? 'for ever' : `${ms} ms`;
}

function isSpan(value: unknown): value is number | null {
  return value === null || (Number.isSafeInteger(value) && (value as number) >= 0);
}
