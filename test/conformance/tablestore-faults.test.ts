import type { Fault } from '../../emulator/index.js';
import type { Law } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';
import { proveTablestore } from '../support/tablestore-conformance.js';

/** A silent service is given up after this; it answers in a few milliseconds. */
const timeoutMs = 2500;
const READS = ['GetRow', 'GetRange', 'BatchGetRow'];
const WRITES = ['BatchWriteRow'];

const refused: Fault = { operations: [...READS, ...WRITES], when: 'before', effect: 'error', probability: 0.02 };
const conflicts: Fault = {
  operations: WRITES,
  when: 'before',
  effect: 'rows',
  code: 'OTSRowOperationConflict',
  probability: 0.01,
};
/** After these nobody can know, but for a read, whether the request was executed. */
const lost = (operations: readonly string[]): Fault[] => [
  { operations, when: 'before', effect: 'reset', probability: 0.01 },
  { operations, when: 'after', effect: 'error', probability: 0.01 },
  { operations, when: 'after', effect: 'reset', probability: 0.01 },
  { operations, when: 'after', effect: 'silence', probability: 0.002 },
];

/** Every write is found out about, key or not: nothing of all this is to be noticed. */
const STRICT: readonly Law[] = nightly
  ? ['Order', 'No reuse', 'Idempotence', 'Atomic append', 'Update', 'Delete', 'Truncation', 'Checkpoint', 'Model']
  : ['Idempotence', 'Truncation'];
proveTablestore(
  'tablestore cas, with faults of every kind',
  { sequence: 'cas', idlePollMs: 100, timeoutMs },
  { faults: [refused, conflicts, ...lost([...READS, ...WRITES])], seed: 7 },
  { runs: nightly ? 2 : 1, laws: STRICT },
);

/**
 * Without a key a lost answer to an append has to be told, and a row that is refused within a batch comes behind the
 * others: so whole writes are refused here, and answers to reads are lost.
 */
const SETTLED: readonly Law[] = nightly ? ['Order', 'Truncation', 'Checkpoint', 'Model'] : ['Truncation'];
proveTablestore(
  'tablestore auto, with faults that leave no doubt',
  { sequence: 'auto', settleMs: 5, idlePollMs: 100, timeoutMs },
  { faults: [refused, ...lost(READS)], seed: 7 },
  { runs: nightly ? 2 : 1, laws: SETTLED },
);

/** With keys the library heals by itself what it cannot know. */
proveTablestore(
  'tablestore auto, keyed, with faults of every kind',
  { sequence: 'auto', settleMs: 5, idlePollMs: 100, timeoutMs },
  { faults: [refused, conflicts, ...lost([...READS, ...WRITES])], seed: 7 },
  { runs: 2, laws: ['Idempotence'] },
);
