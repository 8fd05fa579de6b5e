import { law } from '../law-group.js';
import { runSequences } from '../model-runner.js';
import type { World } from '../world.js';

/** The three tests share the runs that the options ask for. */
const share = (world: World) => Math.ceil((world.options.runs ?? 30) / 3);

export const model = law('Model', 'random sequences of commands come to what the contract says', (test) => {
  test('on a library that keeps its entries', async (world) => {
    await runSequences(world, share(world), { expiring: false, restart: false });
  });

  test('on a library with a TTL, with a clock that jumps', ['ttl'], async (world) => {
    await runSequences(world, share(world), { expiring: true, restart: false });
  });

  test('with restarts in between', ['reopen'], async (world) => {
    await runSequences(world, share(world), { expiring: false, restart: true });
  });
});
