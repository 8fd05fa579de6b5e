import { afterEach, describe, expect, it } from 'vitest';
import { type Device, hybridDiffusion, type Mode, type SyncMessage } from '../../sync/index.js';
import { until } from '../support/until.js';
import { all, bodyOf, numbered, say } from './support/people.js';
import { type Library, RestorableWorld } from './support/restored.js';

let world: RestorableWorld;
let ending = new AbortController();
afterEach(async () => {
  ending.abort();
  await world.remove();
});

/** Messages that a subscription shows: a resync replaces them. */
function showIn(shown: Set<string>, device: Device<string>): void {
  const show = (message: SyncMessage<string>) => {
    if (message.resynced) shown.clear();
    if (message.kind === 'message' && message.body !== undefined) shown.add(message.body);
  };
  const run = async () => {
    for await (const message of device.subscribe({ signal: ending.signal })) show(message);
  };
  run().catch(() => undefined);
}

const CASES: readonly (readonly [libraries: readonly Library[], hasState: boolean])[] = [
  [['store'], true],
  [['store'], false],
  [['sync'], true],
  [['store', 'sync', 'state'], true],
];

describe.each(['fresh', 'live'] as const)('a %s process after a restore', (kind) => {
  it.each(CASES)(
    'of %s (a state library: %s) delivers behind lost joins, leaves, modes and edits',
    async (libraries, hasState) => {
      ending = new AbortController();
      world = new RestorableWorld({ hasState });
      let chosen: Mode = 'write';
      const options = { diffusion: hybridDiffusion({ policy: () => chosen }), receipts: true, membershipEvents: true };
      let process = await world.start(options);
      const join = async (...users: string[]) => (await process.sync.join('g', users)).delivered;
      await join('ann', 'bob', 'fay');
      const first = await say(process.sync, 'g', 'ann', 'one', 'two');
      await process.sync.recover();
      await world.backup();

      await join('cem');
      chosen = 'read';
      const lost = await say(process.sync, 'g', 'ann', 'lost 1', 'lost 2');
      await (await process.sync.edit('g', lost, 'lost edit')).delivered;
      await (await process.sync.recall('g', lost - 1n)).delivered;
      await process.sync.markRead('bob', 'g', lost);
      await process.sync.configure('bob', 'g', { pinned: true });
      await (await process.sync.leave('g', ['fay'])).delivered;
      await say(process.sync, 'g', 'bob', 'lost 3');
      const running = new Set<string>();
      if (kind === 'live') {
        showIn(running, process.sync.device('bob', 'phone'));
        await until('the stream is under way', () => running.has('lost 3'));
        await world.restoreLive(libraries);
      } else {
        process = await world.restart(libraries, options);
        showIn(running, process.sync.device('bob', 'phone'));
      }
      // Another change of mode, other users: at the places of the lost ones.
      const bodies = libraries.includes('store') ? ['one', 'two'] : ['one', 'two', 'lost edit', 'lost 3'];
      await join('dan');
      chosen = 'read';
      for (const body of numbered(4, 'read ')) bodies.push(body) && (await say(process.sync, 'g', 'ann', body));
      chosen = 'write';
      await join('eve');
      for (const body of numbered(8, 'write ')) bodies.push(body) && (await say(process.sync, 'g', 'ann', body));
      const found = (await all(process.sync.history('g').scan())).map(({ message }) =>
        message.kind === 'message' ? message.body : undefined,
      );
      expect(found.filter((body) => body !== undefined)).toEqual(bodies);

      const begun = new Set<string>();
      showIn(begun, process.sync.device('bob', 'laptop'));
      for (const shown of [running, begun])
        await until('all is shown', () => bodies.every((body) => shown.has(body))).catch(() => {
          throw new Error(`${[...shown]} instead of ${bodies}`);
        });
      expect([...running].filter((body) => !bodies.includes(body))).toEqual([]);
      const lastOf = (count: number) => bodies.slice(-count);
      for (const [user, count] of [
        ['dan', 12],
        ['eve', 8],
      ] as const) {
        const page = await process.sync.device(user, 'phone').pull();
        expect([user, page.messages.flatMap((each) => (each.kind === 'message' ? [bodyOf(each)] : []))]).toEqual([
          user,
          lastOf(count),
        ]);
      }
      // The state library knows of what the conversation has lost.
      const isStateNewer = hasState && !libraries.includes('state');
      const isAllKept = !libraries.includes('store') || isStateNewer;
      for (const [user, isMember] of [
        ['cem', isAllKept],
        ['fay', !isAllKept],
      ] as const) {
        expect([user, await process.sync.isMember('g', user)]).toEqual([user, isMember]);
        const page = await process.sync.device(user, 'tablet').pull({ limit: 1000 });
        const heard = page.messages.flatMap((each) => bodyOf(each) ?? []);
        expect([user, lastOf(12).filter((body) => heard.includes(body))]).toEqual([user, isMember ? lastOf(12) : []]);
      }
      const [summary] = await all(process.sync.conversations('bob'));
      expect(summary?.readSeqId).toBe(libraries.includes('store') ? 0n : lost);
      expect(first).toBeGreaterThan(0n);
    },
  );
});
