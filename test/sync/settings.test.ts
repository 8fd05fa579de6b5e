import { describe, expect, it } from 'vitest';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { timelineOf } from '../../sync/shared/names.js';
import type { ConversationSettings } from '../../sync/types.js';
import { until } from '../support/until.js';
import { all, drain, numbered, take } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const LOG = encodeTimelineId(timelineOf.settingsOf('bob'));

async function settingsOf({ sync }: Process, conversation = 'g'): Promise<ConversationSettings> {
  const list = await all(sync.conversations('bob'));
  return list.find((each) => each.conversation === conversation)!.settings;
}

/** The settings that a new device ends up with: of several entries the one with the highest `entrySeqId`. */
async function settingsOnDevice({ sync }: Process, device: string): Promise<Map<string, ConversationSettings>> {
  const newest = new Map<string, { at: bigint; settings: ConversationSettings }>();
  for (const message of await drain(sync.device('bob', device))) {
    if (message.kind !== 'settings') continue;
    const { conversation, entrySeqId: at, settings } = message;
    if (at > (newest.get(conversation)?.at ?? 0n)) newest.set(conversation, { at, settings: settings! });
  }
  return new Map([...newest].map(([conversation, { settings }]) => [conversation, settings]));
}

const isAppendTo = (timeline: string, method: string, [writes]: readonly unknown[]) =>
  method === 'append' && (writes as { timeline: string }[]).some((write) => write.timeline === timeline);

inWorlds(
  'settings of conversations',
  (open) => {
    it.each(['write', 'read', 'hybrid'] as const)('reach the list and all devices in %s diffusion', async (mode) => {
      const world = await open();
      const process = await world.start({ diffusion: MODES[mode]() });
      const { sync } = process;
      await world.join(process, 'g', 'ann', 'bob');
      expect(await settingsOf(process)).toEqual({ muted: false, archived: false, pinned: false });
      const heard = take(sync.device('bob', 'phone').subscribe(), 2);
      await sync.configure('bob', 'g', { muted: true });
      await sync.configure('bob', 'g', { pinned: true });
      const settings = { muted: true, archived: false, pinned: true };
      expect(await settingsOf(process)).toEqual(settings);
      expect((await heard)[1]).toMatchObject({ kind: 'settings', conversation: 'g', sender: 'bob', settings });
      expect(await settingsOnDevice(process, 'late')).toEqual(new Map([['g', settings]]));
      expect(await drain(sync.device('ann', 'phone'))).toEqual([]);
      await sync.configure('bob', 'g', { pinned: true });
      expect(await drain(sync.device('bob', 'other'))).toHaveLength(2);
    });

    it('that are none are refused before any call of a store', async () => {
      const world = await open();
      const { sync, faults } = await world.start();
      let calls = 0;
      faults.store.before = () => void calls++;
      for (const wrong of [{ loud: true }, { muted: 1 }, { pinned: 'yes' }, null, 7])
        await expect(sync.configure('bob', 'g', wrong as never)).rejects.toMatchObject({
          code: 'TIMELINE_INVALID_ARGUMENT',
        });
      expect(calls).toBe(0);
    });

    describe.each(['before', 'after'] as const)('whose process dies %s', (when) => {
      it.each(['its record', 'its inbox entry', 'the position'] as const)(
        '%s are all there or not at all',
        async (step) => {
          const world = await open();
          const [process, dying] = [await world.start(), await world.start()];
          await world.join(process, 'g', 'ann', 'bob');
          await process.sync.configure('bob', 'g', { archived: true });
          let hasDied = false;
          const dieAt =
            (isStep: (method: string, args: readonly unknown[]) => boolean) =>
            (method: string, args: readonly unknown[]) => {
              if (hasDied || !isStep(method, args)) return;
              hasDied = true;
              dying.crash();
            };
          const { store, sync } = dying.faults;
          if (step === 'its record') store[when] = dieAt((method, args) => isAppendTo(LOG, method, args));
          if (step === 'its inbox entry') sync[when] = dieAt((method, args) => isAppendTo('bob', method, args));
          if (step === 'the position') store[when] = dieAt((method) => method === 'advance');
          dying.sync.configure('bob', 'g', { pinned: true }).catch(() => undefined);
          await until('it dies', () => hasDied);
          const isStored = step !== 'its record' || when === 'after';
          const settings = { muted: false, archived: true, pinned: isStored };
          await until('the list has them', async () => (await settingsOf(process)).pinned === isStored);
          // The list has announced what was missing.
          const heard = process.sync.device('bob', 'phone').subscribe();
          expect((await take(heard, isStored ? 2 : 1)).at(-1)).toMatchObject({ kind: 'settings', settings });
          await process.sync.configure('bob', 'g', { muted: true });
          expect(await settingsOnDevice(process, 'late')).toEqual(new Map([['g', { ...settings, muted: true }]]));
          expect(await drain(process.sync.device('bob', 'other'))).toHaveLength(isStored ? 3 : 2);
        },
      );
    });

    it('changed by two processes at once have the last change of each setting, everywhere', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start()];
      await world.join(one, 'g', 'ann', 'bob');
      const changes: Promise<void>[] = [];
      for (let i = 0; i < 10; i++) {
        changes.push(one.sync.configure('bob', 'g', { muted: i % 2 === 0 }));
        changes.push(two.sync.configure('bob', 'g', { archived: i % 3 === 0 }));
      }
      await Promise.all(changes);
      await one.sync.configure('bob', 'g', { pinned: true });
      const settings = await settingsOf(one);
      expect(settings.pinned).toBe(true);
      expect(await settingsOf(two)).toEqual(settings);
      expect(await settingsOf(await world.start())).toEqual(settings);
      expect(await settingsOnDevice(one, 'late')).toEqual(new Map([['g', settings]]));
    });

    it('changed many times are read from a snapshot', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start()];
      const names = numbered(5, 'c');
      for (const name of names) await world.join(one, name, 'bob');
      await all(two.sync.conversations('bob'));
      for (let i = 0; i < 160; i++)
        await one.sync.configure('bob', names[i % 5]!, { [['muted', 'pinned'][i % 2]!]: Math.floor(i / 10) % 2 === 0 });
      await one.sync.configure('bob', 'c0', { archived: true });
      await one.sync.configure('bob', 'c3', { pinned: true });
      const expected = async (process: Process) =>
        new Map((await all(process.sync.conversations('bob'))).map((each) => [each.conversation, each.settings]));
      const settings = await expected(one);
      expect(settings.get('c0')).toMatchObject({ archived: true });
      expect(settings.get('c3')).toMatchObject({ pinned: true });
      expect(await expected(two)).toEqual(settings);
      expect(await expected(await world.start())).toEqual(settings);
      expect(await settingsOnDevice(one, 'late')).toEqual(settings);
      const { firstSeqId, lastSeqId } = await one.store.timeline(timelineOf.settingsOf('bob')).head();
      if (one.store.capabilities.trim) expect(lastSeqId - firstSeqId).toBeLessThan(70n);
    });

    it('are in no snapshot before the inbox has them', async () => {
      const world = await open();
      const [process, dying] = [await world.start(), await world.start()];
      const names = numbered(70, 'c');
      for (const name of names) await world.join(process, name, 'bob');
      for (const name of names.slice(0, 63)) await dying.sync.configure('bob', name, { muted: true });
      let release = () => {};
      const isReleased = new Promise<void>((resolve) => {
        release = resolve;
      });
      let announcements = 0;
      dying.faults.sync.before = (method, args) => {
        if (!isAppendTo('bob', method, args)) return;
        // The first announcement waits until the next change is recorded, whose own announcement never comes.
        return announcements++ === 0 ? isReleased : new Promise(() => undefined);
      };
      const log = process.store.timeline(timelineOf.settingsOf('bob'));
      const first = dying.sync.configure('bob', 'c68', { pinned: true });
      await until('the first is recorded', () => announcements === 1);
      dying.sync.configure('bob', 'c69', { pinned: true }).catch(() => undefined);
      await until('the second is recorded', async () => (await log.head()).lastSeqId === 65n);
      release();
      await first;
      dying.crash();
      expect(await settingsOf(process, 'c69')).toMatchObject({ pinned: true });
      const late = process.sync.device('bob', 'late');
      await until('all is announced', async () => (await late.pull()).messages.length >= 65, 5000);
      const heard = (await drain(late)).map(({ conversation }) => conversation);
      expect(heard.sort()).toEqual([...names.slice(0, 63), 'c68', 'c69'].sort());
    });
  },
  { core: true },
);
