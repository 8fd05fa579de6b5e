import assert from 'node:assert/strict';
import type { AdapterLibrary, Capabilities } from '../../src/adapter.js';
import { fill, messages, readAll, seqIds } from '../assertions.js';
import { law } from '../law-group.js';
import { type Capability, checkRefusal, hasCapability } from '../needs.js';

const CAPABILITIES: readonly Capability[] = [
  'keys',
  'finiteKeyWindow',
  'expectedLast',
  'manualIds',
  'atomicBatch',
  'update',
  'delete',
  'trim',
  'drop',
  'timelines',
  'checkpoints',
  'signals',
  'signalsInStore',
  'ttl',
  'dense',
  'strictVisibility',
];

const isCount = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;

export const capabilities = law('Capabilities', 'every declared and every absent capability is honored', (test) => {
  test('they are a frozen plain object that survives JSON', async (fixture) => {
    assert.ok(Object.isFrozen(fixture.capabilities), 'the capabilities are not frozen');
    assert.deepEqual(JSON.parse(JSON.stringify(fixture.capabilities)), { ...fixture.capabilities });
  });

  test('each has a value that the contract allows', async (fixture) => {
    const c: Capabilities = fixture.capabilities;
    assert.ok(typeof c.adapter === 'string' && c.adapter.length > 0);
    assert.ok(['strict', 'settled'].includes(c.visibility));
    assert.ok(['none', 'process', 'power', 'machine'].includes(c.durability));
    assert.ok(isCount(c.atomicBatch, 1) && isCount(c.maxBodyBytes, 1) && isCount(c.maxAtomicBytes, 1));
    assert.ok(['none', 'process', 'store'].includes(c.signals));
    assert.ok(c.keyWindowMs === null || isCount(c.keyWindowMs, 0));
    assert.ok(c.minTtlMs === null || isCount(c.minTtlMs, 1));
    assert.ok(Number.isFinite(c.wakeWithinMs) && c.wakeWithinMs > 0);
    for (const name of [
      'dense',
      'expectedLast',
      'manualIds',
      'update',
      'delete',
      'trim',
      'drop',
      'timelines',
      'checkpoints',
      'readOnly',
    ] as const) {
      assert.equal(typeof c[name], 'boolean', name);
    }
  });

  test('they stay the same through use, and for a second store', async (fixture) => {
    const before = JSON.stringify(fixture.capabilities);
    await fill(fixture.timeline(), 3);
    assert.equal(JSON.stringify(fixture.capabilities), before);
    assert.equal(JSON.stringify((await fixture.open()).capabilities), before);
    assert.equal(fixture.capabilities.adapter, fixture.adapter.name);
  });

  test('declared members exist', async (fixture) => {
    let library: AdapterLibrary | undefined;
    await fixture.openDecorated((opened) => {
      library = opened;
      return {};
    });
    for (const name of ['update', 'delete', 'trim', 'drop', 'timelines', 'checkpoints'] as const) {
      if (fixture.capabilities[name]) assert.ok(library?.[name], `${name} is claimed but missing`);
    }
    if (fixture.capabilities.signals !== 'none')
      assert.ok(library?.publish && library.listen, 'signals are claimed but publish or listen is missing');
  });

  test('using anything that is declared absent is refused', async (fixture) => {
    const absent = CAPABILITIES.filter((capability) => !hasCapability(fixture.capabilities, capability));
    for (const capability of absent) await checkRefusal(fixture, capability);
    const { seqId } = await fixture.timeline('after').append('what is declared still works');
    assert.equal((await fixture.timeline('after').latest())?.seqId, seqId);
  });

  test('opening many times at once is harmless', async (fixture) => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => fixture.open({ name: 'opened-at-once' })));
    const results = await Promise.all(stores.map((store, index) => store.timeline('t').append(`m${index}`)));
    assert.equal(new Set(seqIds(results)).size, 8);
    assert.equal((await readAll(stores[0]!.timeline('t'))).length, 8);
    assert.deepEqual(
      messages(await readAll(stores[7]!.timeline('t'))).sort(),
      Array.from({ length: 8 }, (_, index) => `m${index}`),
    );
  });

  test('nothing to warn of in ordinary use', async (fixture) => {
    await fill(fixture.timeline(), 50);
    await readAll(fixture.timeline());
    assert.deepEqual(fixture.warnings, []);
  });
});
