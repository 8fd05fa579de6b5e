import { expect, it } from 'vitest';
import type { SyncMessage } from '../../sync/index.js';
import { drain, say, take } from './support/people.js';
import { inWorlds } from './support/worlds.js';

const WEEK = 7 * 24 * 3600 * 1000;

inWorlds('signals', (open) => {
  it('reach subscribed devices of members, store nothing and refuse strangers', async () => {
    const world = await open();
    const process = await world.start();
    const { sync } = process;
    await world.join(process, 'g', 'ann', 'bob');
    const phone = sync.device('bob', 'phone');
    await drain(phone);
    const heard = take(phone.subscribe(), 2);
    await sync.signal('g', { from: 'ann', body: { typing: true } });
    await say(sync, 'g', 'ann', 'one');
    const got = await heard;
    expect(got.map(({ kind }) => kind).sort()).toEqual(['message', 'signal']);
    const signal = got.find(({ kind }) => kind === 'signal');
    expect(signal).toMatchObject({ conversation: 'g', sender: 'ann', body: { typing: true }, seqId: 0n });
    expect(JSON.parse(JSON.stringify(signal))).toMatchObject({ kind: 'signal', seqId: '0', body: { typing: true } });
    await phone.ack(signal!.cursor);
    expect((await phone.pull()).messages.every(({ kind }) => kind === 'message')).toBe(true);
    await expect(sync.signal('g', { from: 'eve', body: 1 })).rejects.toMatchObject({ code: 'TIMELINE_FORBIDDEN' });
    await expect(sync.signal('g', { from: 'ann', body: 'x'.repeat(17_000) })).rejects.toMatchObject({
      code: 'TIMELINE_TOO_LARGE',
    });
  });

  it('tell of a resync if they come before any message, as acknowledging one acknowledges it', async () => {
    const world = await open({ ttlMs: WEEK });
    const process = await world.start({ resyncLast: 0 });
    const { sync } = process;
    await world.join(process, 'g', 'ann', 'bob');
    const phone = sync.device('bob', 'phone');
    await drain(phone);
    await say(sync, 'g', 'ann', 'expires unread');
    world.now += 2 * WEEK;
    let heard: Promise<SyncMessage<string>[]> | undefined;
    await new Promise<void>((resolve) => {
      heard = take(phone.subscribe({ onCaughtUp: resolve }), 1);
    });
    await sync.signal('g', { from: 'ann', body: 1 });
    expect(await heard).toMatchObject([{ kind: 'signal', resynced: true }]);
  });
});
