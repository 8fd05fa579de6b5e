import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { nightly } from '../support/nightly.js';
import { hasRedis } from '../support/redis-server.js';
import { FAMILIES } from './simulator/families.js';
import type { Crash } from './simulator/gate.js';
import type { Command, Setting } from './simulator/scenario.js';
import { run, simulateMany } from './simulator/simulate.js';

/** Seeds that take their turn in every run of the tests; `nightly.ts` plays many more. */
const SEEDS: Record<keyof typeof FAMILIES, number> = {
  memory: 20,
  'sqlite-one': 2,
  'sqlite-two': 2,
  redis: 2,
  tablestore: 1,
};

const SMALL: Setting = {
  ...{ users: 3, devicesPerUser: 1, conversations: 1, processes: 2, diffusion: 'hybrid', directory: 'timeline' },
  ...{
    newcomers: { last: 2 },
    bodies: 'copy',
    resyncLast: 2,
    starts: ['oldest'],
    positions: ['stored', 'stored', 'client'],
    expires: false,
    storeExpires: false,
    hasState: false,
    skewMs: 0,
    faults: 0,
    ...{ receipts: true, membershipEvents: true, forgets: true, devicesExpire: false },
  },
};

/** Something of everything, one after the other, in the process that is going to die. */
const LIFE: readonly Command[] = [
  { do: 'join', process: 1, conversation: 0, user: 0, wait: true },
  { do: 'join', process: 1, conversation: 0, user: 1, wait: true },
  { do: 'send', process: 0, conversation: 0, user: 0, wait: true },
  { do: 'edit', process: 0, message: 0, wait: true },
  { do: 'pull', process: 0, device: 1, limit: 1, fate: 'ack', wait: true },
  { do: 'forget', process: 0, device: 1, isIdle: true, wait: true },
  { do: 'pull', process: 0, device: 1, limit: 1, fate: 'ack', wait: true },
  { do: 'mode', process: 0, conversation: 0, mode: 'read', wait: true },
  { do: 'send', process: 0, conversation: 0, user: 1, wait: true },
  { do: 'pull', process: 0, device: 1, limit: 100, fate: 'ack', wait: true },
  { do: 'join', process: 0, conversation: 0, user: 2, wait: true },
  { do: 'send', process: 0, conversation: 0, user: 2, wait: true },
  { do: 'mode', process: 0, conversation: 0, mode: 'write', wait: true },
  { do: 'send', process: 0, conversation: 0, user: 0, wait: true },
  { do: 'leave', process: 0, conversation: 0, user: 1, wait: true },
  { do: 'recall', process: 0, message: 0, wait: true },
  { do: 'read', process: 0, message: 0, user: 1, wait: true },
  { do: 'forget', process: 0, device: 1, isIdle: true, wait: true },
  { do: 'devices', process: 0, user: 1, wait: true },
  { do: 'signal', process: 0, conversation: 0, user: 0, wait: true },
  { do: 'members', process: 0, conversation: 0, user: 1, wait: true },
  { do: 'positions', process: 0, conversation: 0, wait: true },
  { do: 'pull', process: 0, device: 2, limit: 100, fate: 'ack', wait: true },
  { do: 'again', process: 1, operation: 4, wait: true },
];

const EXECUTED = { before: 'not executed', after: 'executed', partly: 'executed in part' } satisfies Record<
  Crash,
  string
>;

describe('message synchronisation, simulated', () => {
  for (const [name, seeds] of Object.entries(SEEDS) as [keyof typeof FAMILIES, number][]) {
    it.skipIf(name === 'redis' && !hasRedis())(
      `loses, repeats and reorders nothing, whatever crashes: ${seeds} seeds on ${name}`,
      async () => {
        const family = await FAMILIES[name]();
        const totals = await simulateMany(family, 1, seeds).finally(() => family.close());
        const { failures, crashes, resyncs, restarts, receipts, signals } = totals;
        assert.deepEqual(failures, []);
        assert.ok(crashes > seeds, `only ${crashes} processes died`);
        // Without a resync nothing expired, and half of a device's cases were not tried.
        if (seeds >= 20) assert.ok(resyncs > 0, 'no device had to resync');
        for (const count of seeds >= 20 ? [restarts, receipts, signals] : [])
          assert.ok(count > 0, `something never happened: ${JSON.stringify(totals)}`);
      },
      120_000,
    );
  }

  for (const [i, how] of (['before', 'after', 'partly'] as const).entries()) {
    it(`a process may die at ${nightly ? 'every' : 'every third'} I/O step, its call ${EXECUTED[how]}`, async () => {
      const family = await FAMILIES.memory();
      let steps = nightly ? 0 : i - 2;
      for (let hasDied = true; hasDied; ) {
        steps += nightly ? 1 : 3;
        const commands: Command[] = [{ do: 'crash', process: 0, after: steps, how, wait: true }, ...LIFE];
        const { violations, crashes } = await run(family, { setting: SMALL, commands }, steps);
        assert.deepEqual(violations, [], `dying at step ${steps}`);
        hasDied = crashes > 0;
      }
      assert.ok(steps > LIFE.length * 2, `there were only ${steps} steps`);
    }, 240_000);
  }
});
