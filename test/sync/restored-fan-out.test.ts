import { afterEach, expect, it } from 'vitest';
import { drain, say, shortly } from './support/people.js';
import { RestorableWorld } from './support/restored.js';
import { MODES } from './support/worlds.js';

let world: RestorableWorld;
afterEach(() => world.remove());

it('a fan-out position of lost entries is not trusted, whatever clock the machine has', async () => {
  const now = Date.UTC(2001, 0, 1);
  world = new RestorableWorld({ hasState: false, now: () => now });
  const options = { diffusion: MODES.write() };
  let process = await world.start(options);
  await (await process.sync.join('g', ['ann', 'bob'])).delivered;
  await world.backup();
  await say(process.sync, 'g', 'ann', 'lost', 'lost too', 'lost as well');
  const lost = (await process.sync.history('g').latest())?.cursor as string;
  process = await world.restart(['store', 'sync'], options);
  const phone = process.sync.device('bob', 'phone');
  await drain(phone);
  // A process of before that stood still publishes its position.
  await process.store.timeline('g').checkpoint('fan-out').reset(lost);
  await process.store.timeline('g').append({ kind: 'message', sender: 'ann', body: 'one' });
  expect(await process.sync.recover({ all: true })).toEqual({ resumed: 1 });
  expect(shortly(await drain(phone))).toEqual(['one']);
});
