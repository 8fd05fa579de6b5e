import { afterEach, describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { isTimelineError } from '../../src/errors.js';
import { openTimelineStore } from '../../src/index.js';
import { createSync, type MessageSync, type Stored, type Synced, timelineDirectory } from '../../sync/index.js';
import { decorateAdapter } from '../../testing/index.js';
import { silence, silentAdapter } from '../support/silent-adapter.js';
import { MODES } from './support/worlds.js';

const BUDGET_MS = 400;
/** A machine under load adds to it. */
const IN_TIME_MS = 3 * BUDGET_MS * 1.1 + 200;

const ending: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

function hurried(): TimelineAdapter {
  const adapter = decorateAdapter(memoryAdapter(), (library) => ({
    capabilities: { ...library.capabilities, budgetMs: BUDGET_MS },
  }));
  return silentAdapter(adapter);
}

async function start(mode: keyof typeof MODES): Promise<{ sync: MessageSync<string>; adapter: TimelineAdapter }> {
  const adapter = hurried();
  const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store', onWarning: () => {} });
  const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync', onWarning: () => {} });
  const directory = timelineDirectory({ store });
  const sync = createSync<string>({ store, sync: inboxes, directory, diffusion: MODES[mode](), onWarning: () => {} });
  ending.push(async () => {
    await sync.close().catch(() => undefined);
    await Promise.all([store.close(), inboxes.close()]);
  });
  await (await sync.join('group', ['ann', 'bob'])).delivered;
  await (await sync.send({ conversation: 'group', sender: 'ann', body: 'before' })).delivered;
  return { sync, adapter };
}

async function first<T>(stream: AsyncIterable<T>): Promise<unknown> {
  return stream[Symbol.asyncIterator]().next();
}

/** Every public call that asks a store for something. */
const calls: [what: string, run: (sync: MessageSync<string>) => Promise<unknown>][] = [
  ['send', (sync) => sync.send({ conversation: 'group', sender: 'ann', body: 'm' })],
  ['send to another', (sync) => sync.send({ conversation: 'other', sender: 'ann', body: 'm', key: 'k' })],
  ['edit', (sync) => sync.edit('group', 2n, 'edited')],
  ['recall', (sync) => sync.recall('group', 2n)],
  ['join', (sync) => sync.join('group', ['cem'])],
  ['leave', (sync) => sync.leave('group', ['bob'])],
  ['pull', (sync) => sync.device('bob', 'phone').pull()],
  ['pull of another', (sync) => sync.device('ann', 'tablet').pull()],
  ['conversations', (sync) => first(sync.conversations('bob'))],
  ['markRead', (sync) => sync.markRead('bob', 'group', 2n)],
  ['recover', (sync) => sync.recover()],
];

describe.each(Object.keys(MODES) as (keyof typeof MODES)[])('behind stores that answer nothing, by %s', (mode) => {
  it('every call ends within three budgets, and the next ones work when they answer again', async () => {
    const { sync, adapter } = await start(mode);
    const restore = await silence(adapter);
    const ended = calls.map(async ([what, run]) => {
      const begun = performance.now();
      const error = await run(sync).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return { what, ms: performance.now() - begun, known: error === undefined || isTimelineError(error) };
    });
    for (const { what, ms, known } of await Promise.all(ended)) {
      expect(ms, `${what} took ${Math.round(ms)} ms`).toBeLessThan(IN_TIME_MS);
      expect(known, what).toBe(true);
    }
    await restore();
    await (await sync.send({ conversation: 'group', sender: 'ann', body: 'after' })).delivered;
    const { messages } = await sync.device('ann', 'phone').pull();
    expect(messages.at(-1)).toMatchObject({ body: 'after' });
  });

  it('closing ends within three budgets', async () => {
    const { sync, adapter } = await start(mode);
    const restore = await silence(adapter);
    const work = Promise.allSettled(calls.map(([, run]) => run(sync)));
    const begun = performance.now();
    // Closing reports work that it could not finish. Another process finds it.
    const error: unknown = await sync.close().catch((reason: unknown) => reason);
    expect(performance.now() - begun).toBeLessThan(IN_TIME_MS);
    expect(error === undefined || isTimelineError(error)).toBe(true);
    await work;
    await restore();
  });
});
