import { afterEach, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore, type TimelineAdapter, TimelineError } from '../../src/index.js';
import { createSync, type Stored, type Synced, writeDiffusion } from '../../sync/index.js';
import { amend } from '../../sync/outbox/amend.js';
import { bodyOf } from './support/people.js';

afterEach(() => {
  vi.useRealTimers();
});

/** Somebody else has always been faster. */
function contended(memory: TimelineAdapter, lost: () => void): TimelineAdapter {
  return {
    ...memory,
    async open(options) {
      const library = await memory.open(options);
      return new Proxy(library, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          if (name !== 'update') return value.bind(target);
          return async () => {
            lost();
            throw new TimelineError('TIMELINE_CONFLICT', 'another revision', { actual: 7 });
          };
        },
      });
    },
  };
}

it('an edit that loses every race pauses between them and gives up', async () => {
  let races = 0;
  const adapter = contended(memoryAdapter(), () => races++);
  await using store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
  const timeline = store.timeline('group');
  await timeline.append({ kind: 'message', sender: 'ann', body: 'one' });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const edit = { kind: 'edit', sender: 'ann', target: '1', body: 'two' } as const;
  const amending = amend(timeline, 2n, edit, new AbortController().signal);
  const settled = vi.fn();
  amending.then(settled, settled);
  await vi.advanceTimersByTimeAsync(1000);
  expect(settled).not.toHaveBeenCalled();
  expect(races).toBeLessThan(12);
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(amending).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true });
  expect(races).toBe(12);
});

it('a fan-out does not wait for what was trimmed before it got there', async () => {
  const adapter = memoryAdapter();
  await using store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
  await using inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync' });
  let answer: (members: string[]) => void = () => undefined;
  const first = new Promise<string[]>((resolve) => {
    answer = resolve;
  });
  const answers = [first];
  let ask = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const members = () => {
    ask();
    return answers.shift() ?? ['bob'];
  };
  const directory = { members, conversations: () => ['group'] };
  await using sync = createSync<string>({
    store,
    sync: inboxes,
    directory,
    diffusion: writeDiffusion(),
    recoverEveryMs: 0,
  });
  const send = (body: string) => sync.send({ conversation: 'group', sender: 'ann', body });
  const one = await send('one');
  await asked;
  const two = await send('two');
  await store.timeline('group').trim({ through: two.seqId });
  answer(['bob']);
  await one.delivered;
  await expect(two.delivered).rejects.toMatchObject({ code: 'TIMELINE_TRUNCATED', through: two.seqId });
  await (await send('three')).delivered;
  const { messages } = await sync.device('bob', 'phone').pull();
  expect(messages.map(bodyOf)).toEqual(['one', 'three']);
});
