import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import type { Law } from '../../testing/index.js';
import { LAWS } from '../../testing/laws/index.js';
import { bundled } from '../support/bundled.js';
import { silence, silentAdapter } from '../support/silent-adapter.js';
import { collect, firstFailure } from './collect.js';
import { appendMutants } from './mutants/append.js';
import { dropMutants } from './mutants/drop.js';
import { headMutants } from './mutants/heads.js';
import { keepMutants } from './mutants/keep.js';
import { readMutants } from './mutants/read.js';
import { surroundingsMutants } from './mutants/surroundings.js';

const MUTANTS = [
  ...appendMutants,
  ...readMutants,
  ...headMutants,
  ...keepMutants,
  ...dropMutants,
  ...surroundingsMutants,
];

/**
 * Some laws are kept by the core above every adapter. An adapter can break but its part of them, and that is what their
 * mutants do:
 *
 * | law | the core's part | the adapter's part |
 * | --- | --- | --- |
 * | Outcome | when to try again | to know a key again, to write once |
 * | Back-pressure | the bounds | that a bad write fails alone |
 * | Budget | ending what an adapter does not end | what was applied, and that it is known by its key |
 * | Accepted time | what counts of a clock | to use nothing else, and to keep it with the data |
 * | Closing | refusing, settling, closing once | that closing loses nothing and shuts nobody else |
 * | Limits | every refusal | to take what its declared limits allow |
 * | Capabilities | refusing what is declared absent, freezing | to have what it claims |
 */
const laws = LAWS.map((group) => group.law).filter((law) => law !== 'Processes');

/** The tests of one group, without the report. */
const testsOf = (law: Law, create: () => TimelineAdapter) =>
  collect({
    create,
    laws: [law],
    reopen: ({ name, open }) => ({ name, open }),
    ...(law === 'Budget' && { silence }),
  }).slice(0, -1);

describe.each(laws)('%s', (law) => {
  it('is kept by the unbroken adapter', async () => {
    expect(await firstFailure(testsOf(law, () => silentAdapter(memoryAdapter())))).toBeUndefined();
  });

  it('has a mutant', () => {
    expect(MUTANTS.map((mutant) => mutant.law)).toContain(law);
  });

  it.concurrent.each(MUTANTS.filter((mutant) => mutant.law === law))(
    'is found broken by an adapter that $breaks',
    async ({ create }) => {
      expect(await firstFailure(testsOf(law, create))).toBeDefined();
    },
  );
});

describe('Processes', () => {
  it('is found broken by processes that do not work on the same data', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'timeline-kit-'));
    const child = fileURLToPath(new URL('../conformance/sqlite-child.ts', import.meta.url));
    try {
      const tests = collect({
        create: () => sqliteAdapter(join(directory, 'parent.db')),
        fork: () => fork(bundled(child), [join(directory, 'child.db')]),
        laws: ['Processes'],
      });
      const read = tests.filter((test) => test.name.startsWith('an append is read in another process'));
      expect(read).toHaveLength(1);
      expect(await firstFailure(read)).toBeDefined();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
