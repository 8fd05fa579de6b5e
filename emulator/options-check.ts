/** Checks options at run time, because they come from JSON files and untyped programs; names the invalid one. */
import { OPERATION_NAMES } from './dispatch.js';
import { ERROR_CODES } from './errors.js';
import type { Fault } from './faults.js';
import type { AutoIncrementOptions, EmulatorOptions, Limits } from './options.js';

/** An unknown or invalid option. The message names it. */
export class EmulatorOptionError extends TypeError {
  override readonly name = 'EmulatorOptionError';
  readonly code = 'EMULATOR_INVALID_OPTION';
}

/** Returns undefined for a valid value, otherwise a description of valid ones. */
type Check = (value: unknown) => string | undefined;
type Checks<T> = { readonly [K in keyof Required<T>]: Check };

const must =
  (test: (value: unknown) => boolean, wanted: string): Check =>
  (value) =>
    test(value) ? undefined : wanted;
/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_ID = 2n ** 63n - 1n;

const integer = (from: number, to = Number.MAX_SAFE_INTEGER) =>
  must(
    (value) => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to,
    to === Number.MAX_SAFE_INTEGER ? `an integer of at least ${from}` : `an integer from ${from} to ${to}`,
  );
const number = (from: number, to: number) =>
  must((value) => typeof value === 'number' && value >= from && value <= to, `a number from ${from} to ${to}`);
const text = must(
  (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
  'a text that is not empty',
);
const headerText = must(
  (value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value),
  'a text of ASCII characters without spaces',
);
const oneOf = (...values: readonly unknown[]) => must((value) => values.includes(value), `one of ${values.join(', ')}`);
const listOf = (values: readonly string[]): Check =>
  must(
    (list) => Array.isArray(list) && list.length > 0 && list.every((item) => values.includes(item)),
    `a list of some of ${values.join(', ')}`,
  );

const AUTO_INCREMENT: Checks<AutoIncrementOptions> = {
  from: must((value) => typeof value === 'bigint' && value >= 0n && value <= MAX_ID, `a bigint from 0 to ${MAX_ID}`),
  maxGap: integer(0),
  maxCommitDelayMs: integer(0, MAX_TIMER_MS),
};
const LIMITS: Checks<Limits> = {
  pageRows: integer(1),
  pageBytes: integer(1),
  batchWriteRows: integer(1),
  batchGetRows: integer(1),
  writeBytes: integer(1),
  bodyBytes: integer(1),
  tables: integer(1),
};
const FAULT: Checks<Fault> = {
  operations: listOf(OPERATION_NAMES),
  when: oneOf('before', 'after'),
  effect: oneOf('error', 'silence', 'reset', 'rows'),
  code: oneOf(...ERROR_CODES),
  probability: number(0, 1),
  times: integer(1),
};
const group = must((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object');
const OPTIONS: Checks<EmulatorOptions> = {
  port: integer(0, 65_535),
  host: text,
  instanceName: headerText,
  accessKeyId: headerText,
  accessKeySecret: text,
  file: text,
  now: must((value) => typeof value === 'function', 'a function'),
  seed: integer(0),
  autoIncrement: group,
  limits: group,
  tableReadyAfterMs: number(0, Number.MAX_SAFE_INTEGER),
  tableOperationsPerSecond: number(0, Number.MAX_SAFE_INTEGER),
  searchLagMs: number(0, Number.MAX_SAFE_INTEGER),
  missingTableOnRead: oneOf('OTSObjectNotExist', 'OTSParameterInvalid'),
  localTransactions: must((value) => typeof value === 'boolean', 'true or false'),
  faults: must(Array.isArray, 'a list'),
};
const BATCHES = ['BatchWriteRow', 'BatchGetRow'];

/**
 * Returns the options that are given, without those that are null or undefined.
 *
 * @throws EmulatorOptionError for the first unknown or invalid option
 */
export function checkOptions(options: EmulatorOptions): EmulatorOptions {
  check('options', '', group, options);
  checkFields('', options, OPTIONS);
  checkFields('autoIncrement.', options.autoIncrement, AUTO_INCREMENT);
  checkFields('limits.', options.limits, LIMITS);
  for (const [index, fault] of (options.faults ?? []).entries()) checkFault(fault, `faults[${index}]`);
  return givenOf({ ...options, limits: givenOf(options.limits), autoIncrement: givenOf(options.autoIncrement) });
}

function givenOf<T extends object>(options: T | null | undefined): T {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value != null)) as T;
}

/** @throws EmulatorOptionError for a fault that could never take effect as given */
export function checkFault(fault: Fault, name = 'fault'): void {
  check(name, '', group, fault);
  checkFields(`${name}.`, fault, FAULT);
  for (const field of ['when', 'effect'] as const) check(`${name}.`, field, FAULT[field], fault[field]);
  const { effect, code, operations } = fault;
  if (code !== undefined && (effect === 'silence' || effect === 'reset')) {
    throw new EmulatorOptionError(`${name}.code has no meaning with the effect ${effect}, which sends no response.`);
  }
  if (effect === 'rows' && operations && !operations.some((operation) => BATCHES.includes(operation))) {
    throw new EmulatorOptionError(
      `${name}.operations must name one of ${BATCHES.join(', ')}: only they have rows to fail.`,
    );
  }
}

function checkFields<T extends object>(path: string, given: T | undefined, checks: Checks<T>): void {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(checks, name)) {
      throw new EmulatorOptionError(
        `${path}${name} is not an option of the emulator. Known: ${Object.keys(checks).join(', ')}.`,
      );
    }
    if (value !== undefined && value !== null) check(path, name, checks[name as keyof T], value);
  }
}

function check(path: string, name: string, test: Check, value: unknown): void {
  const wanted = test(value);
  if (wanted !== undefined) throw new EmulatorOptionError(`${path}${name} must be ${wanted}, not ${shown(value)}.`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}
