import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';
import { runSequences } from '../model-runner.js';

/** Divides the runs of the options among the three tests. */
const runsPerTest = (fixture: Fixture) => Math.ceil((fixture.options.runs ?? 30) / 3);

export const model = law('Model', 'random sequences of commands match the contract', (test) => {
  test('on a library that keeps its entries', async (fixture) => {
    await runSequences(fixture, runsPerTest(fixture), { expiring: false, restart: false });
  });

  test('on a library with a TTL, with a clock that jumps', ['ttl'], async (fixture) => {
    await runSequences(fixture, runsPerTest(fixture), { expiring: true, restart: false });
  });

  test('with restarts in between', ['reopen'], async (fixture) => {
    await runSequences(fixture, runsPerTest(fixture), { expiring: false, restart: true });
  });
});
