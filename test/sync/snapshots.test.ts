import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore, type TimelineAdapter, type TimelineStore } from '../../src/index.js';
import { type Directory, hybridDiffusion, type Mode, type Stored } from '../../sync/index.js';
import { assembleDirectory } from '../../sync/members/timeline-directory.js';
import { Random } from '../../testing/random.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds } from './support/worlds.js';

let adapter: TimelineAdapter;
let store: TimelineStore<Stored<string>>;

beforeEach(async () => {
  adapter = memoryAdapter();
  store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
});

afterEach(() => store.close());

/** Another process: a memory of its own, the same Timelines. */
const directory = (leastChanges = 64) => assembleDirectory(store, leastChanges);

async function membersOf(of: Directory, conversation: string, at?: bigint): Promise<string[]> {
  const users: string[] = [];
  for await (const user of await of.members(conversation, at === undefined ? undefined : { at })) users.push(user);
  return users.sort();
}

const lengthOf = async (id: readonly string[]) => (await store.timeline(id).read({ limit: 1000 })).entries.length;

describe('the membership log of a conversation', () => {
  it('is as long as its members need, however many have passed through', async () => {
    const own = directory();
    const stayed = numbered(10, 'stays');
    await own.apply('g', { kind: 'join', epoch: 1, users: stayed, at: 1n, from: stayed.map(() => 1n) });
    let at = 1n;
    for (const user of numbered(300, 'passes')) {
      await own.apply('g', { kind: 'join', epoch: 1, users: [user], at: ++at, from: [at] });
      await own.apply('g', { kind: 'leave', epoch: 1, users: [user], at: ++at });
      await own.compact('g', { deliveredThrough: at });
    }
    expect(await lengthOf(['members', 'g'])).toBeLessThan(70);
    expect(await membersOf(directory(), 'g')).toEqual([...stayed].sort());
    expect(await directory().size('g')).toBe(10);
  });

  it('keeps members who have left until every inbox holds their entries', async () => {
    const own = directory(1);
    await own.apply('g', { kind: 'join', epoch: 1, users: ['ann', 'bob'], at: 1n, from: [1n, 1n] });
    await own.apply('g', { kind: 'leave', epoch: 1, users: ['bob'], at: 9n });
    await own.apply('g', { kind: 'join', epoch: 1, users: ['cat'], at: 10n, from: [10n] });
    await own.compact('g', { deliveredThrough: 5n });
    expect(await membersOf(directory(), 'g', 7n)).toEqual(['ann', 'bob']);
    expect(await membersOf(directory(), 'g', 10n)).toEqual(['ann']);
    await own.apply('g', { kind: 'leave', epoch: 1, users: ['ann'], at: 20n });
    await own.compact('g', { deliveredThrough: 19n });
    expect(await membersOf(directory(), 'g', 7n)).toEqual(['ann']);
  });

  it('is read on by a process that a trim has overtaken', async () => {
    const [one, other] = [directory(1), directory(1)];
    await one.apply('g', { kind: 'join', epoch: 1, users: ['ann'], at: 1n, from: [1n] });
    expect(await membersOf(other, 'g')).toEqual(['ann']);
    for (let at = 2n; at < 40n; at += 2n) {
      await one.apply('g', { kind: 'join', epoch: 1, users: ['bob'], at, from: [at] });
      await one.apply('g', { kind: 'leave', epoch: 1, users: ['bob'], at: at + 1n });
      await one.compact('g', { deliveredThrough: at + 1n });
    }
    await one.apply('g', { kind: 'join', epoch: 1, users: ['cat'], at: 50n, from: [50n] });
    expect(await membersOf(other, 'g')).toEqual(['ann', 'cat']);
  });

  it('ignores a late repetition of a join that a snapshot has outlived', async () => {
    const own = directory(1);
    const join = { kind: 'join', epoch: 1, users: ['bob'], at: 2n, from: [2n] } as const;
    await own.apply('g', { kind: 'join', epoch: 1, users: ['ann'], at: 1n, from: [1n] });
    await own.apply('g', join);
    await own.apply('g', { kind: 'leave', epoch: 1, users: ['bob'], at: 3n });
    await own.compact('g', { deliveredThrough: 3n });
    const record = { change: 'join', at: '2', users: ['bob'], from: ['2'] };
    await store.timeline(['members', 'g']).append({ kind: 'state', state: record });
    expect(await membersOf(directory(), 'g')).toEqual(['ann']);
  });

  it('ignores a snapshot without all of its parts', async () => {
    const own = directory();
    const many = numbered(1500, 'user');
    for (let i = 0; i < many.length; i += 500) {
      const users = many.slice(i, i + 500);
      const at = BigInt(i + 1);
      await own.apply('g', { kind: 'join', epoch: 1, users, at, from: users.map(() => at) });
    }
    const before = await membersOf(own, 'g');
    const snapshot = { through: '3', part: 0, parts: 2, state: { appliedThrough: '1001', former: [], items: [] } };
    await store.timeline(['members', 'g']).append({ kind: 'state', state: { snapshot } });
    expect(await membersOf(directory(), 'g')).toEqual(before);
  });

  it('gives every process the same members, in any order of changes and snapshots (500 random steps)', async () => {
    const random = new Random(7);
    const processes = Array.from({ length: 3 }, () => directory(2));
    const present = new Set<string>();
    for (let at = 1n; at <= 500n; at++) {
      const user = `user${random.below(6)}`;
      const kind = present.has(user) ? 'leave' : 'join';
      const runner = processes[random.below(3)]!;
      await runner.apply('g', { kind, users: [user], at, epoch: 1, ...(kind === 'join' && { from: [at] }) });
      if (kind === 'join') present.add(user);
      else present.delete(user);
      if (random.chance(0.5)) {
        const compacting = processes.filter(() => random.chance(0.5));
        await Promise.all(compacting.map((each) => each.compact('g', { deliveredThrough: at })));
      }
      if (random.chance(0.3)) expect(await membersOf(processes[random.below(3)]!, 'g')).toEqual([...present].sort());
    }
    for (const each of [...processes, directory(2)]) expect(await membersOf(each, 'g')).toEqual([...present].sort());
    expect(await lengthOf(['members', 'g'])).toBeLessThan(20);
  });
});

describe("the log of a user's memberships", () => {
  it('is as long as the present conversations need', async () => {
    const own = directory();
    for (let i = 0; i < 300; i++) {
      await own.apply(`c${i}`, { kind: 'join', epoch: 1, users: ['ann'], at: 1n, from: [0n] });
      if (i % 100 !== 0) await own.apply(`c${i}`, { kind: 'leave', epoch: 1, users: ['ann'], at: 2n });
    }
    expect(await lengthOf(['memberships', 'ann'])).toBeLessThan(140);
    const conversations = [];
    for await (const each of await directory().conversations('ann')) conversations.push(each);
    expect(conversations).toEqual(
      ['c0', 'c100', 'c200'].map((conversation) => ({ conversation, joinedAt: 1n, from: 0n, epoch: 1 })),
    );
  });
});

inWorlds('a conversation that changes its mode again and again', (open) => {
  it('keeps the changes that a fan-out may need, and loses nothing', async () => {
    const world = await open();
    let mode: Mode = 'write';
    const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
    const first = await start();
    await world.join(first, 'g', 'ann', 'bob');
    const phone = first.sync.device('bob', 'phone');
    const bodies = numbered(24);
    for (const body of bodies) {
      const process = await start();
      await say(process.sync, 'g', 'ann', body);
      await process.sync.close();
      mode = mode === 'write' ? 'read' : 'write';
    }
    const { entries } = await first.store.timeline(['modes', 'g']).read({ limit: 1000 });
    expect(entries.length).toBeLessThan(8);
    expect(shortly(await drain(phone))).toEqual(bodies);
  });
});

inWorlds(
  'a user',
  (open) => {
    it('who left and rejoined sees the entries between, and nothing twice', async () => {
      const world = await open();
      const process = await world.start({ newcomers: 'all' });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      await world.leave(process, 'g', 'bob');
      await say(process.sync, 'g', 'ann', 'two');
      await world.join(process, 'g', 'bob');
      await say(process.sync, 'g', 'ann', 'three');
      expect(shortly(await drain(process.sync.device('bob', 'phone')))).toEqual(['one', 'two', 'three']);
    });
  },
  { only: ({ directory: kept }) => kept === 'kept' },
);
