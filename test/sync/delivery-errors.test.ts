import { expect, it } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import type { MessageSync, Sent } from '../../sync/index.js';
import { say } from './support/people.js';
import { inWorlds } from './support/worlds.js';

async function theCaller(sent: Sent): Promise<TimelineError> {
  try {
    await sent.delivered;
  } catch (error) {
    return error as TimelineError;
  }
  throw new Error('was delivered');
}

const CALLS: Record<string, (sync: MessageSync<string>, seqId: bigint) => Promise<Sent>> = {
  send: (sync) => sync.send({ conversation: 'g', sender: 'ann', body: 'late' }),
  edit: (sync, seqId) => sync.edit('g', seqId, 'edited'),
  recall: (sync, seqId) => sync.recall('g', seqId),
};

inWorlds('a delivery that fails', (open, { directory }) => {
  const calls = directory === 'kept' ? { ...CALLS, join: (sync: MessageSync<string>) => sync.join('g', 'eve') } : CALLS;

  it.each(Object.keys(calls))('of %s rejects for whoever awaits it, and is handled if nobody does', async (name) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const world = await open();
    const one = await world.start();
    await world.join(one, 'g', 'ann', 'bob');
    const seqId = await say(one.sync, 'g', 'ann', 'early');
    one.faults.sync.refuse('bob');
    await one.sync.send({ conversation: 'g', sender: 'ann', body: 'nobody waits' });
    const failed = theCaller(await calls[name]!(one.sync, seqId));
    await one.sync.close();
    const error = await failed;
    expect(error).toMatchObject({ code: 'TIMELINE_CLOSED', timeline: 'g' });
    expect(error.message).toMatch(/^delivery from "g": /);
    expect(error.stack).toContain('theCaller');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
