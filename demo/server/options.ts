/** The command line of the demo. */
import { parseArgs } from 'node:util';
import type { StoreName } from '../shared/status.js';
import { UsageError } from './usage-error.js';

export const USAGE = `Usage: timeline-model demo [options]

  --port <number>   default 4000, or the next free one; 0 for any free port
  --store <name>    sqlite (default, if better-sqlite3 is installed), redis, tablestore or memory
  --import <file>   begins with an IRC log: [12:30] <nick> text
  --help
`;

export const DEFAULT_PORT = 4000;

export interface DemoOptions {
  /** Absent: {@link DEFAULT_PORT}, or the next free one. */
  readonly port?: number;
  /** Absent: SQLite if its driver is installed, else memory. */
  readonly store?: StoreName;
  /** Path of a log. */
  readonly log?: string;
}

const STORES: readonly StoreName[] = ['sqlite', 'redis', 'tablestore', 'memory'];

const OPTIONS = {
  port: { type: 'string' },
  store: { type: 'string' },
  import: { type: 'string' },
  help: { type: 'boolean' },
} as const;

export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  return {
    ...(values.port === undefined ? {} : { port: portOf(values.port) }),
    ...(values.store === undefined ? {} : { store: storeOf(values.store) }),
    ...(values.import === undefined ? {} : { log: values.import }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new UsageError(`Not a port: ${text}`);
  return Number(text);
}

function storeOf(text: string): StoreName {
  const store = STORES.find((name) => name === text);
  if (store === undefined) throw new UsageError(`Unknown store: ${text}. Known are ${STORES.join(', ')}.`);
  return store;
}
