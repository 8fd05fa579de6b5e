/**
 * Imports the built package. Running the sources with tsx would distort the figures: it wraps every closure in a call
 * that keeps its name, which slows small functions several times.
 */
import { existsSync } from 'node:fs';

const entry = (name: string) => new URL(`../dist/${name}.js`, import.meta.url);

if (!existsSync(entry('index'))) {
  console.error('There is no build to measure: npm run build');
  process.exit(1);
}

export const { openTimelineStore } = (await import(entry('index').href)) as typeof import('../src/index.js');
export const { sqliteAdapter } = (await import(entry('sqlite').href)) as typeof import('../adapters/sqlite/index.js');
export const { redisAdapter } = (await import(entry('redis').href)) as typeof import('../adapters/redis/index.js');
export const { tablestoreAdapter } = (await import(
  entry('tablestore').href
)) as typeof import('../adapters/tablestore/index.js');
export const { memoryAdapter } = (await import(entry('memory').href)) as typeof import('../adapters/memory/index.js');
export const { createSync, readDiffusion, writeDiffusion } = (await import(
  entry('sync').href
)) as typeof import('../sync/index.js');
