import { invalidArgument, TimelineError } from './errors.js';

/** Settings that decide about the data of a library, kept with them since they were created. */
export interface LibrarySettings {
  /** Of the adapter's stored form; raised whenever older versions could no longer read or write it. */
  readonly format: number;
  /** Milliseconds that an entry is kept; `null`: for ever. */
  readonly ttlMs: number | null;
  /** Milliseconds that an idempotency key is remembered; `null`: for ever. */
  readonly keyWindowMs: number | null;
  /** How SeqIds are given, in the adapter's own word. */
  readonly numbering: string;
}

/** Settings that a caller asks for. Absent: what stands; where nothing stands yet, for ever and the default window. */
export interface WantedSettings {
  readonly format: number;
  readonly numbering: string;
  /** `Infinity`: for ever. */
  readonly ttlMs?: number | undefined;
  readonly keyWindowMs?: number | undefined;
  readonly defaultKeyWindowMs: number | null;
}

export interface Reconciled {
  readonly settings: LibrarySettings;
  /** To be kept with the data. */
  readonly text: string;
  /** `text` is not what is kept: write it. */
  readonly changed: boolean;
}

/**
 * Law Settings: holds what is asked for against what is kept. `TIMELINE_INVALID_ARGUMENT` with `expected` (asked for) and
 * `actual` (kept; `Infinity` is for ever) where they differ and `alter` is false. The numbering and the format cannot be
 * altered: `TIMELINE_INVALID_ARGUMENT` and `TIMELINE_UNSUPPORTED`.
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
    const message = `the data of ${library} are of format ${stands.format}; this version reads and writes format ${format}`;
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

/** Reads the text again, as every process does before it removes anything. */
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
  const problem = `of ${library} is ${told(actual)}, not ${told(wanted)}: leave it out, or open with alter: true to change it`;
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
