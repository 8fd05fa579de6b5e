import assert from 'node:assert/strict';
import type { Capabilities } from '../src/adapter.js';
import { assertGrowing, fill, readAll, rejects, seqIds, take, until } from './assertions.js';
import type { ConformanceOptions } from './options.js';
import type { World } from './world.js';

/** What a test needs of the adapter. Where it is absent, the test checks that using it is refused. */
export type Capability =
  | 'keys'
  | 'finiteKeyWindow'
  | 'expectedLast'
  | 'manualIds'
  | 'atomicBatch'
  | 'update'
  | 'delete'
  | 'trim'
  | 'timelines'
  | 'checkpoints'
  | 'ttl'
  | 'dense'
  | 'strictVisibility';

/** What a test needs of the options given to the kit. */
export type Option = 'reopen' | 'fork' | 'physicalEntries' | 'silence' | 'stall';

export type Need = Capability | Option;

const OPTIONS: readonly Need[] = ['reopen', 'fork', 'physicalEntries', 'silence', 'stall'];

export const isOption = (need: Need): need is Option => OPTIONS.includes(need);

export const isGiven = (option: Option, options: ConformanceOptions): boolean => options[option] !== undefined;

export function has(capabilities: Capabilities, need: Capability): boolean {
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
    default:
      return capabilities[need];
  }
}

/** How the adapter says no: each proves that what is not declared cannot be had. */
const REFUSALS: Record<Capability, (world: World) => Promise<unknown>> = {
  keys: (world) => rejects(world.timeline().append('m', { key: 'k' }), 'TIMELINE_UNSUPPORTED'),
  finiteKeyWindow: keysAreKept,
  expectedLast: (world) => rejects(world.timeline().append('m', { expectedLast: 0n }), 'TIMELINE_UNSUPPORTED'),
  manualIds: (world) => rejects(world.timeline().append('m', { seqId: 10n }), 'TIMELINE_UNSUPPORTED'),
  atomicBatch: (world) =>
    rejects(world.timeline().appendMany(['a', 'b']), 'TIMELINE_TOO_LARGE', 'TIMELINE_UNSUPPORTED'),
  update: async (world) => {
    const { seqId } = await world.timeline().append('m');
    await rejects(world.timeline().update(seqId, 'n'), 'TIMELINE_UNSUPPORTED');
    assert.equal((await world.timeline().get(seqId))?.message, 'm');
  },
  delete: async (world) => {
    const { seqId } = await world.timeline().append('m');
    await rejects(world.timeline().delete(seqId), 'TIMELINE_UNSUPPORTED');
    assert.equal((await world.timeline().get(seqId))?.deleted, false);
  },
  trim: async (world) => {
    const { seqId } = await world.timeline().append('m');
    await rejects(world.timeline().trim({ through: seqId }), 'TIMELINE_UNSUPPORTED');
    assert.equal((await world.timeline().get(seqId))?.message, 'm');
  },
  timelines: (world) => rejects(take(world.store.timelines()), 'TIMELINE_UNSUPPORTED'),
  checkpoints: (world) => rejects(world.timeline().checkpoint('reader').get(), 'TIMELINE_UNSUPPORTED'),
  ttl: (world) =>
    rejects(world.open({ name: 'expiring', ttlMs: 60_000 }), 'TIMELINE_UNSUPPORTED', 'TIMELINE_INVALID_ARGUMENT'),
  dense: async (world) => assertGrowing(seqIds(await fill(world.timeline(), 20))),
  strictVisibility: allIsVisibleInTheEnd,
};

export async function checkRefusal(world: World, need: Capability): Promise<void> {
  await REFUSALS[need](world);
}

/** Every write of a library that is open for reading only is refused. */
export async function checkReadOnly(world: World): Promise<void> {
  await rejects(world.timeline().append('m'), 'TIMELINE_UNSUPPORTED');
  await rejects(world.store.appendBatch([{ timeline: 't', message: 'm' }]), 'TIMELINE_UNSUPPORTED');
  await rejects(world.store.appendToMany(['t'], 'm'), 'TIMELINE_UNSUPPORTED');
  assert.equal((await world.timeline().head()).lastSeqId, 0n);
}

/** Bare reads of a `settled` library may be overtaken for a while; once the writers are done, all they were told of is there. */
async function allIsVisibleInTheEnd(world: World): Promise<void> {
  const handles = [world.store, await world.open()].map((store) => store.timeline('settled'));
  const results = await Promise.all(handles.map((timeline, index) => fill(timeline, 50, `${index}:`)));
  const told = new Set(seqIds(results.flat()));
  assert.equal(told.size, 100);
  await until('all entries are visible', async () => told.size === new Set(seqIds(await readAll(handles[0]!))).size);
  assert.deepEqual(new Set(seqIds(await readAll(handles[0]!))), told);
}

/** A window of `null` promises that a key is never forgotten; one of 0 that there are no keys. */
async function keysAreKept(world: World): Promise<void> {
  if (world.capabilities.keyWindowMs === 0) return checkRefusal(world, 'keys');
  const first = await world.timeline().append('m', { key: 'k' });
  world.time += 10 * 366 * 86_400_000;
  const again = await world.timeline().append('m', { key: 'k' });
  assert.deepEqual([again.seqId, again.duplicate], [first.seqId, true]);
}
