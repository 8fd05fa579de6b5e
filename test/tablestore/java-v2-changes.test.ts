import { describe, expect, it, onTestFinished } from 'vitest';
import type { LayoutOption } from '../../adapters/tablestore/index.js';
import { SharedTable } from './java-support.js';

type Message = Record<string, string | number>;
const DAY = 86_400_000;

const table = new SharedTable();

const open = (layout: LayoutOption = 'java-v2') => table.open<Message>({ adapterOptions: { layout } });

describe('changes under java-v2', () => {
  it('by the adapter replace the message of a row by Java, and mark it as changed', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, { text: 'a', likes: 1n, gone: 'x' });
    const entry = await timeline.update(seqId, { text: 'b', likes: 2 }, { ifRevision: 0 });
    expect([entry.message, entry.revision]).toEqual([{ text: 'b', likes: 2 }, 1]);
    const [row] = await java.scan(key);
    const { __tl_at, ...cells } = row?.cells ?? {};
    expect(cells).toEqual({ text: ['STRING', 'b'], likes: ['INTEGER', 2n], __tl_version: ['INTEGER', 1n] });
    expect(__tl_at).toEqual(['INTEGER', BigInt(entry.appendedAt)]);
    await expect(timeline.update(seqId, { text: 'c' }, { ifRevision: 0 })).rejects.toMatchObject({
      code: 'TIMELINE_CONFLICT',
      actual: 1,
    });
  });

  it('by the adapter are recognized when their answer was lost', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, { text: 'a', likes: 1n });
    table.service.emulator.inject({ operations: ['BatchWriteRow'], when: 'after', effect: 'reset', times: 1 });
    expect(await timeline.update(seqId, { text: 'b', likes: 2 }, { ifRevision: 0 })).toMatchObject({ revision: 1 });
    expect(await timeline.get(seqId)).toMatchObject({ revision: 1, message: { text: 'b', likes: 2 } });
  });

  it('remove a column called timestamp, and refuse to remove one that the SDK cannot name', async () => {
    const { java, key, timeline } = await open();
    const [first, second] = [
      await java.store(key, { text: 'a', timestamp: 1n }),
      await java.store(key, { text: 'a', größe: 'XL' }),
    ];
    await timeline.update(first, { text: 'b' });
    expect((await timeline.get(first))?.message).toEqual({ text: 'b' });
    const refusal = { code: 'TIMELINE_UNSUPPORTED', outcome: 'not-applied', message: expect.stringContaining('größe') };
    await expect(timeline.update(second, { text: 'b' })).rejects.toMatchObject(refusal);
    await expect(timeline.delete(second)).rejects.toMatchObject(refusal);
    expect((await timeline.get(second))?.message).toEqual({ text: 'a', größe: 'XL' });
  });

  it('by Java are read, and keep the id and, as far as its cells tell, the time of the entry', async () => {
    const { java, key, timeline } = await open();
    const { seqId } = await timeline.append({ text: 'a', likes: 1 });
    const before = await timeline.get(seqId);
    await java.update(key, seqId, { text: 'b', more: 0.5 });
    const after = await timeline.get(seqId);
    expect(after?.message).toEqual({ text: 'b', likes: 1, more: 0.5 });
    expect([after?.revision, after?.appendedAt]).toEqual([0, before?.appendedAt]);
  });

  it('are possible long after the entry was written, in a table of Java, and keep its time', async () => {
    const { java, key, timeline } = await open();
    const theirs = await java.store(key, { text: 'a' });
    const { seqId } = await timeline.append({ text: 'a' });
    table.service.now = () => Date.now() + 30 * DAY;
    onTestFinished(() => {
      table.service.now = Date.now;
    });
    for (const id of [theirs, seqId]) {
      const { appendedAt } = await timeline.update(id, { text: 'b' });
      expect(appendedAt).toBeLessThanOrEqual(Date.now());
      expect((await timeline.get(id))?.appendedAt).toBe(appendedAt);
      await timeline.delete(id);
      expect(await timeline.get(id)).toMatchObject({ deleted: true, appendedAt, revision: 2 });
    }
  });

  it('leave a row without fields for a deleted entry, whose id is not given again', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, { text: 'secret' });
    await timeline.delete(seqId);
    await timeline.delete(seqId);
    expect(Object.keys((await java.scan(key))[0]?.cells ?? {}).sort()).toEqual([
      '__tl_at',
      '__tl_deleted',
      '__tl_version',
    ]);
    expect(await timeline.get(seqId)).toMatchObject({ seqId, deleted: true, revision: 1 });
    await expect(timeline.update(seqId, { text: 'b' })).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
  });

  it('by Java may remove a row, and readers at or before it lose nothing else', async () => {
    const { java, key, timeline } = await open();
    const ids = [];
    for (const text of ['a', 'b', 'c']) ids.push(await java.store(key, { text }));
    const { next } = await timeline.read({ limit: 2 });
    await java.delete(key, ids[1] as bigint);
    const page = await timeline.read({ after: next });
    expect([page.entries.map(({ seqId }) => seqId), page.truncated]).toEqual([[ids[2]], undefined]);
    expect((await timeline.read()).entries.map(({ seqId }) => seqId)).toEqual([ids[0], ids[2]]);
    expect(await timeline.get(ids[1] as bigint)).toBeUndefined();
  });

  it('trim rows of either side', async () => {
    const { java, key, timeline } = await open();
    const first = await java.store(key, { text: 'a' });
    const { seqId } = await timeline.append({ text: 'b' });
    const last = await java.store(key, { text: 'c' });
    await timeline.trim({ through: seqId });
    expect((await timeline.read()).entries.map((entry) => entry.seqId)).toEqual([last]);
    expect((await timeline.read({ after: first })).truncated).toEqual({ through: seqId });
  });
});

describe('keys under java-v2', () => {
  const layout = { type: 'java-v2', keyField: 'client_msg_id' } as const;

  it('are a field of the message, and need no column of their own', async () => {
    const { java, key, timeline } = await open(layout);
    const message = { client_msg_id: 'k1', text: 'a' };
    const first = await timeline.append(message, { key: 'k1' });
    expect(await timeline.append(message, { key: 'k1' })).toMatchObject({ seqId: first.seqId, duplicate: true });
    await expect(timeline.append({ ...message, text: 'b' }, { key: 'k1' })).rejects.toMatchObject({
      code: 'TIMELINE_KEY_CONFLICT',
      actual: first.seqId,
    });
    expect((await java.scan(key)).map(({ cells }) => cells)).toEqual([
      { client_msg_id: ['STRING', 'k1'], text: ['STRING', 'a'] },
    ]);
    expect(await timeline.get(first.seqId)).toMatchObject({ key: 'k1', message });
  });

  it('must be what the message says', async () => {
    const { timeline } = await open(layout);
    for (const message of [{ client_msg_id: 'k2' }, { text: 'no key' }] as Message[]) {
      await expect(timeline.append(message, { key: 'k1' })).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_ARGUMENT',
        argument: 'key',
      });
    }
  });

  it('outlive a deletion', async () => {
    const { java, key, timeline } = await open(layout);
    const message = { client_msg_id: 'k1', text: 'a' };
    const { seqId } = await timeline.append(message, { key: 'k1' });
    await timeline.delete(seqId);
    expect((await java.scan(key))[0]?.cells.client_msg_id).toEqual(['STRING', 'k1']);
    expect(await timeline.append(message, { key: 'k1' })).toMatchObject({ seqId, duplicate: true });
  });

  it('write an entry once although the service did not answer', async () => {
    const { java, key, timeline } = await open(layout);
    table.service.emulator.inject({
      operations: ['BatchWriteRow', 'PutRow'],
      when: 'after',
      effect: 'reset',
      times: 2,
    });
    await timeline.append({ client_msg_id: 'k1', text: 'a' }, { key: 'k1' });
    expect(await java.scan(key)).toHaveLength(1);
  });

  it('are refused if no field holds them', async () => {
    const { timeline } = await open('java-v2');
    await expect(timeline.append({ text: 'a' }, { key: 'k' })).rejects.toMatchObject({ code: 'TIMELINE_UNSUPPORTED' });
  });
});
