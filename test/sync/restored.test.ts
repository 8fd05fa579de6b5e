import { afterEach, describe, expect, it } from 'vitest';
import { isTimelineError } from '../../src/index.js';
import type { Device, MessageSync, SyncMessage } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { all, bodyOf, numbered, say } from './support/people.js';
import { type Library, RestorableWorld, type RestoredProcess } from './support/restored.js';
import { MODES } from './support/worlds.js';

const CASES: readonly { readonly title: string; readonly libraries: readonly Library[]; readonly hasState: boolean }[] =
  [
    { title: 'the store library with the state', libraries: ['store'], hasState: false },
    { title: 'the sync library', libraries: ['sync'], hasState: false },
    { title: 'both libraries', libraries: ['store', 'sync'], hasState: false },
    { title: 'the state library', libraries: ['state'], hasState: true },
    { title: 'the store library alone', libraries: ['store'], hasState: true },
    { title: 'the sync library of three', libraries: ['sync'], hasState: true },
    { title: 'all three', libraries: ['store', 'sync', 'state'], hasState: true },
  ];
const MAX_PULLS = 50;
/** The old end is beyond one later message, and before nine. */
const LATER = nightly ? [1, 4, 9] : [9];
const TESTED = nightly ? (['write', 'read', 'hybrid'] as const) : (['write', 'read'] as const);

/** A reader that keeps what its user sees: a resync replaces it. */
class Screen {
  readonly #device: Device<string>;
  readonly #keepsCursor: boolean;
  #after = '';
  shown = new Set<string>();
  wasResynced = false;
  repeated: string[] = [];

  constructor(device: Device<string>, keepsCursor: boolean) {
    this.#device = device;
    this.#keepsCursor = keepsCursor;
  }

  /** The same reader in another process. */
  movedTo(device: Device<string>): Screen {
    const moved = new Screen(device, this.#keepsCursor);
    moved.#after = this.#after;
    moved.shown = new Set(this.shown);
    return moved;
  }

  async read(most = Number.POSITIVE_INFINITY): Promise<void> {
    let left = most;
    let isResynced = false;
    for (let i = 0; left > 0; i++) {
      if (i === MAX_PULLS) throw new Error('the device comes to no end');
      const limit = Math.min(left, 100);
      const page = await this.#device.pull(this.#keepsCursor ? { after: this.#after, limit } : { limit });
      if (page.resynced && !isResynced) {
        this.wasResynced = isResynced = true;
        this.shown.clear();
      }
      for (const message of page.messages) this.#show(message);
      left -= page.messages.length;
      if (this.#keepsCursor) this.#after = page.cursor;
      else if (!(await this.#acknowledge(page.cursor))) continue;
      if (page.upToDate) return;
    }
  }

  /** Returns `false` if the process has noticed the restore since the pull: the next one is told of it. */
  async #acknowledge(cursor: string): Promise<boolean> {
    try {
      await this.#device.ack(cursor);
      return true;
    } catch (error) {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_INVALID_CURSOR') throw error;
      return false;
    }
  }

  #show(message: SyncMessage<string>): void {
    const body = bodyOf(message);
    if (message.kind !== 'message' || body === undefined) return;
    if (this.shown.has(body)) this.repeated.push(body);
    this.shown.add(body);
  }
}

const DEVICES = ['done', 'early', 'between', 'tab', 'early tab'] as const;

function screens(sync: MessageSync<string>): Record<(typeof DEVICES)[number], Screen> {
  const screen = (name: string) => new Screen(sync.device('bob', name), name.endsWith('tab'));
  return Object.fromEntries(DEVICES.map((name) => [name, screen(name)])) as Record<(typeof DEVICES)[number], Screen>;
}

const send = async ({ sync }: RestoredProcess, conversation: string, bodies: readonly string[]) =>
  say(sync, conversation, 'ann', ...bodies);

async function historyOf({ sync }: RestoredProcess, conversations: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const conversation of conversations)
    for (const { message } of await all(sync.history(conversation).scan()))
      if (message.kind === 'message' && message.body !== undefined) found.push(message.body);
  return found;
}

let world: RestorableWorld | undefined;
afterEach(() => world?.remove());

describe.each(TESTED)('in %s mode,', (mode) => {
  describe.each(['fresh', 'live'] as const)('a %s process after a restore of', (kind) => {
    describe.each(CASES)('$title', ({ libraries, hasState }) => {
      it.each(LATER)('hands over all that is there, and %i later messages', async (later) => {
        world = new RestorableWorld({ hasState });
        const options = { diffusion: MODES[mode]() };
        let process = await world.start(options);
        const { sync } = process;
        await (await sync.join('g', ['ann', 'bob', 'cem'])).delivered;
        await (await sync.join('h', ['ann', 'bob'])).delivered;
        let seen = screens(sync);
        await send(process, 'g', numbered(2, 'g'));
        await send(process, 'h', numbered(2, 'h'));
        for (const each of ['done', 'early', 'tab', 'early tab'] as const) await seen[each].read();
        await send(process, 'g', ['g2']);
        await process.sync.recover();
        await world.backup();
        await send(process, 'g', ['lost 3', 'lost 4', 'lost 5']);
        await send(process, 'h', ['lost h']);
        await (await sync.join('late', ['ann', 'bob'])).delivered;
        await send(process, 'late', ['late 0', 'late 1']);
        await seen.between.read(4);
        for (const each of ['done', 'tab'] as const) await seen[each].read();

        if (kind === 'live') await world.restoreLive(libraries);
        else {
          process = await world.restart(libraries, options);
          const moved = screens(process.sync);
          for (const each of DEVICES) moved[each] = seen[each].movedTo(process.sync.device('bob', each));
          seen = moved;
        }
        await (await process.sync.join('late', ['ann', 'bob'])).delivered;
        await send(process, 'g', numbered(later, 'g later '));
        await send(process, 'h', numbered(1, 'h later '));
        await send(process, 'late', numbered(later, 'late later '));
        // A state library of before the join knows the members of the second one only.
        const isJoinLost = libraries.includes('state') && !libraries.includes('store');
        const history = (await historyOf(process, ['g', 'h', 'late'])).filter(
          (body) => !isJoinLost || !/^late \d/.test(body),
        );
        expect(history).toContain(`g later ${later - 1}`);
        for (const each of DEVICES) {
          await seen[each].read();
          expect([each, history.filter((body) => !seen[each].shown.has(body))]).toEqual([each, []]);
        }
        const laptop = new Screen(process.sync.device('bob', 'laptop'), false);
        await laptop.read();
        await send(process, 'g', ['last']);
        for (const each of [...DEVICES.map((name) => seen[name]), laptop]) {
          each.repeated = [];
          each.wasResynced = false;
          await each.read();
          expect([each.shown.has('last'), each.repeated, each.wasResynced]).toEqual([true, [], false]);
        }
      });
    });
  });
});
