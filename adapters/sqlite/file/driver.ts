import { resolve } from 'node:path';
import { TimelineError } from '../../../src/errors.js';
import type { DatabaseConstructor } from './client.js';

/** Not imported: bundlers replace `createRequire`. */
const { createRequire } = process.getBuiltinModule('node:module');

const ENTRY = /[\\/]better-sqlite3[\\/]lib[\\/]index\.js$/;

/** Loads better-sqlite3, which only a path needs. `TIMELINE_MISSING_DRIVER` if it is not installed. */
export async function loadDriver(caller: string): Promise<DatabaseConstructor> {
  try {
    return (await import('better-sqlite3')).default as DatabaseConstructor;
  } catch (error) {
    const message = `${caller} needs better-sqlite3, which cannot be loaded: npm install better-sqlite3`;
    throw new TimelineError('TIMELINE_MISSING_DRIVER', message, { cause: error });
  }
}

/**
 * The path of better-sqlite3, for a worker thread to load. Prefers the copy that the program has loaded, because two
 * copies of SQLite in one process release each other's locks; tries several places, because packages do not resolve
 * from a bundle.
 */
export function driverFile(handle?: object): string {
  const cache = createRequire(resolve('x')).cache as Partial<Record<string, { readonly exports?: unknown }>>;
  const loaded = Object.keys(cache).filter((file) => ENTRY.test(file));
  const own = loaded.find((file) => cache[file]?.exports === handle?.constructor) ?? loaded[0];
  if (own !== undefined) return own;
  for (const anchor of [import.meta.url, process.argv[1], resolve('x')]) {
    try {
      return createRequire(anchor as string).resolve('better-sqlite3');
    } catch {}
  }
  throw new TimelineError('TIMELINE_MISSING_DRIVER', 'better-sqlite3 cannot be found: npm install better-sqlite3');
}
