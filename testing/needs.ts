import assert from 'node:assert/strict';
import type { Capabilities } from '../src/adapter.js';
import { assertGrowing, fill, readAll, rejects, seqIds, take, until } from './assertions.js';
import type { Fixture } from './fixture.js';
import type { ConformanceOptions } from './options.js';

/** A capability that a test requires. Where it is absent, the test checks that its use is refused. */
export type Capability =
  | 'keys'
  | 'finiteKeyWindow'
  | 'expectedLast'
  | 'manualIds'
  | 'atomicBatch'
  | 'update'
  | 'delete'
  | 'trim'
  | 'drop'
  | 'timelines'
  | 'checkpoints'
  | 'signals'
  | 'signalsInStore'
  | 'ttl'
  | 'dense'
  | 'strictVisibility';

/** An option of the kit that a test requires. */
export type KitOption = 'reopen' | 'fork' | 'physicalEntries' | 'silence' | 'stall';

export type Requirement = Capability | KitOption;

const OPTIONS: readonly Requirement[] = ['reopen', 'fork', 'physicalEntries', 'silence', 'stall'];

export const isOption = (need: Requirement): need is KitOption => OPTIONS.includes(need);

export const isGiven = (option: KitOption, options: ConformanceOptions): boolean => options[option] !== undefined;

export function hasCapability(capabilities: Capabilities, need: Capability): boolean {
  switch (need) {
    case 'keys':
      return capabilities.keyWindowMs !== 0;
    case 'finiteKeyWindow':
      return capabilities.keyWindowMs !== null && capabilities.keyWindowMs > 0;
    case 'atomicBatch':
      return capabilities.atomicBatch > 1;
    case 'ttl':
      return capabilities.minTtlMs !== null;
    case 'strictVisibility':
      return capabilities.visibility === 'strict';
    case 'signals':
      return capabilities.signals !== 'none';
    case 'signalsInStore':
      return capabilities.signals === 'store';
    default:
      return capabilities[need];
  }
}

/** Checks that an undeclared capability cannot be used. */
const REFUSALS: Record<Capability, (fixture: Fixture) => Promise<unknown>> = {
  keys: (fixture) => rejects(fixture.timeline().append('m', { key: 'k' }), 'TIMELINE_UNSUPPORTED'),
  finiteKeyWindow: keysNeverExpire,
  expectedLast: (fixture) => rejects(fixture.timeline().append('m', { expectedLast: 0n }), 'TIMELINE_UNSUPPORTED'),
  manualIds: (fixture) => rejects(fixture.timeline().append('m', { seqId: 10n }), 'TIMELINE_UNSUPPORTED'),
  atomicBatch: (fixture) =>
    rejects(fixture.timeline().appendMany(['a', 'b']), 'TIMELINE_TOO_LARGE', 'TIMELINE_UNSUPPORTED'),
  update: async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await rejects(fixture.timeline().update(seqId, 'n'), 'TIMELINE_UNSUPPORTED');
    assert.equal((await fixture.timeline().get(seqId))?.message, 'm');
  },
  delete: async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await rejects(fixture.timeline().delete(seqId), 'TIMELINE_UNSUPPORTED');
    assert.equal((await fixture.timeline().get(seqId))?.deleted, false);
  },
  trim: async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await rejects(fixture.timeline().trim({ through: seqId }), 'TIMELINE_UNSUPPORTED');
    assert.equal((await fixture.timeline().get(seqId))?.message, 'm');
  },
  drop: async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await rejects(fixture.timeline().drop(), 'TIMELINE_UNSUPPORTED');
    assert.equal((await fixture.timeline().get(seqId))?.message, 'm');
  },
  timelines: (fixture) => rejects(take(fixture.store.timelines()), 'TIMELINE_UNSUPPORTED'),
  checkpoints: (fixture) => rejects(fixture.timeline().checkpoint('reader').get(), 'TIMELINE_UNSUPPORTED'),
  signals: async (fixture) => {
    const { store } = fixture;
    const refusals = [store.publish('t', 'p'), Promise.resolve().then(() => store.listen(['t'], () => {}))];
    for (const refused of refusals)
      assert.equal((await rejects(refused, 'TIMELINE_UNSUPPORTED')).capability, 'signals');
  },
  signalsInStore: signalsStayInProcess,
  ttl: (fixture) =>
    rejects(fixture.open({ name: 'expiring', ttlMs: 60_000 }), 'TIMELINE_UNSUPPORTED', 'TIMELINE_INVALID_ARGUMENT'),
  dense: async (fixture) => assertGrowing(seqIds(await fill(fixture.timeline(), 20))),
  strictVisibility: allEntriesBecomeVisible,
};

export async function checkRefusal(fixture: Fixture, need: Capability): Promise<void> {
  await REFUSALS[need](fixture);
}

/** Checks that a read-only library refuses every write. */
export async function checkReadOnly(fixture: Fixture): Promise<void> {
  await rejects(fixture.timeline().append('m'), 'TIMELINE_UNSUPPORTED');
  await rejects(fixture.store.appendBatch([{ timeline: 't', message: 'm' }]), 'TIMELINE_UNSUPPORTED');
  await rejects(fixture.store.appendToMany(['t'], 'm'), 'TIMELINE_UNSUPPORTED');
  assert.equal((await fixture.timeline().head()).lastSeqId, 0n);
}

/** Listeners of the same store hear a signal all the same. */
async function signalsStayInProcess(fixture: Fixture): Promise<void> {
  if (fixture.capabilities.signals === 'none') return checkRefusal(fixture, 'signals');
  const heard: string[] = [];
  fixture.store.listen(['t'], (_, payload) => heard.push(payload));
  await until('a listener hears', async () => {
    await fixture.store.publish('t', 'p');
    return heard.includes('p');
  });
}

/** In a `settled` library an entry may appear late; once the writers are done, every acknowledged one is visible. */
async function allEntriesBecomeVisible(fixture: Fixture): Promise<void> {
  const handles = [fixture.store, await fixture.open()].map((store) => store.timeline('settled'));
  const results = await Promise.all(handles.map((timeline, index) => fill(timeline, 50, `${index}:`)));
  const told = new Set(seqIds(results.flat()));
  assert.equal(told.size, 100);
  await until('all entries are visible', async () => told.size === new Set(seqIds(await readAll(handles[0]!))).size);
  assert.deepEqual(new Set(seqIds(await readAll(handles[0]!))), told);
}

/** A window of `null` keeps keys for ever; a window of 0 refuses them. */
async function keysNeverExpire(fixture: Fixture): Promise<void> {
  if (fixture.capabilities.keyWindowMs === 0) return checkRefusal(fixture, 'keys');
  const first = await fixture.timeline().append('m', { key: 'k' });
  fixture.time += 10 * 366 * 86_400_000;
  const again = await fixture.timeline().append('m', { key: 'k' });
  assert.deepEqual([again.seqId, again.duplicate], [first.seqId, true]);
}
