import type { ChildProcess } from 'node:child_process';
import Database from 'better-sqlite3';
import type { TimelineAdapter } from 'timeline-model';
import { memoryAdapter } from 'timeline-model/memory';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { describeAdapter, serveAdapter } from 'timeline-model/testing';
import { describe, expectTypeOf, it } from 'vitest';

describe('adapters', () => {
  it('are made by functions that return the contract and nothing more', () => {
    expectTypeOf(memoryAdapter).returns.toEqualTypeOf<TimelineAdapter>();
    expectTypeOf(sqliteAdapter).returns.toEqualTypeOf<TimelineAdapter>();
  });
});

describe('sqliteAdapter', () => {
  it('takes a path or a Database of better-sqlite3', () => {
    sqliteAdapter('chat.db');
    sqliteAdapter(new Database(':memory:'));
    expectTypeOf<Database.Database>().toExtend<Parameters<typeof sqliteAdapter>[0]>();
  });

  it('takes nothing else, and no unknown option', () => {
    // @ts-expect-error: not a database
    sqliteAdapter({ path: 'chat.db' });
    // @ts-expect-error: no such option
    sqliteAdapter('chat.db', { synchronus: 'full' });
    // @ts-expect-error: no such value
    sqliteAdapter('chat.db', { synchronous: 'off' });
  });
});

describe('the kit', () => {
  it('takes the functions of vitest as its runner', () => {
    describeAdapter({ describe, it }, { name: 'memory', create: memoryAdapter });
  });

  it('takes the functions of node:test as its runner', () => {
    const runner = {} as Pick<typeof import('node:test'), 'describe' | 'it'>;
    describeAdapter(runner, { name: 'memory', create: async () => memoryAdapter(), fork: () => ({}) as ChildProcess });
  });

  it('serves an adapter in a child process', () => {
    expectTypeOf(serveAdapter).parameter(0).toEqualTypeOf<() => TimelineAdapter>();
  });
});
