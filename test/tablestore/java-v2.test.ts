import { describe, expect, it } from 'vitest';
import { javaCodec } from '../../adapters/tablestore/index.js';
import type { TimelineStore } from '../../src/types.js';
import { columnsOf, condition, int, sdk } from '../emulator/sdk.js';
import { SharedService } from './java-support.js';

const fields = { tags: 'strings', sent: 'bigint', price: 'double' } as const;
const layout = { type: 'java-v2', fields } as const;

interface Message {
  text: string;
  tags?: string[];
  sent?: bigint;
  price?: number;
  read?: boolean;
  picture?: Uint8Array;
}

const message: Message = {
  text: 'ä 中 💬',
  tags: ['a', 'ü"\\'],
  sent: 2n ** 63n - 1n,
  price: 2,
  read: false,
  picture: Uint8Array.of(0, 255),
};
const columns = {
  text: 'ä 中 💬',
  tags: '["a","ü\\"\\\\"]',
  sent: 2n ** 63n - 1n,
  price: 2,
  read: false,
  picture: Uint8Array.of(0, 255),
};
const cells = {
  text: ['STRING', 'ä 中 💬'],
  tags: ['STRING', '["a","ü\\"\\\\"]'],
  sent: ['INTEGER', 2n ** 63n - 1n],
  price: ['DOUBLE', 2],
  read: ['BOOLEAN', false],
  picture: ['BLOB', '00ff'],
};

const all = async <M>(store: TimelineStore<M>, id: string, reverse = false) =>
  (await store.timeline(id).read({ reverse })).entries;

const service = new SharedService();

describe('java-v2', () => {
  it('reads what Java stored, forward and backward, with its ids and times', async () => {
    const name = service.newName();
    const java = await service.javaTable(name);
    const before = Date.now();
    const ids = [];
    for (const text of ['one', 'two', 'three'])
      ids.push(await java.store({ timeline_id: 'group:42' }, { ...columns, text }));
    const store = await service.open<Message>(name, { adapterOptions: { layout }, codec: javaCodec() });
    const entries = await all(store, 'group:42');
    expect(ids[0]).toBeGreaterThan(2n ** 53n);
    expect(entries.map(({ seqId }) => seqId)).toEqual(ids);
    expect(entries.map(({ message }) => message)).toEqual(
      ['one', 'two', 'three'].map((text) => ({ ...message, text })),
    );
    expect((await all(store, 'group:42', true)).map(({ seqId }) => seqId)).toEqual(ids.toReversed());
    for (const { appendedAt, revision, deleted } of entries) {
      expect(appendedAt).toBeGreaterThanOrEqual(before);
      expect(appendedAt).toBeLessThanOrEqual(Date.now());
      expect({ revision, deleted }).toEqual({ revision: 0, deleted: false });
    }
    expect(await store.timeline('group:42').head()).toMatchObject({ lastSeqId: ids[2] });
  });

  it('writes rows of exactly the columns that Java writes', async () => {
    const name = service.newName();
    const java = await service.javaTable(name);
    const store = await service.open<Message>(name, { adapterOptions: { layout }, codec: javaCodec() });
    const { seqId } = await store.timeline('group:42').append(message);
    await store.timeline('group:42').append({ text: '' });
    const rows = await java.scan({ timeline_id: 'group:42' });
    expect(rows.map(({ cells }) => cells)).toEqual([cells, { text: ['STRING', ''] }]);
    expect(rows[0]?.key).toEqual({ timeline_id: 'group:42', sequence_id: seqId });
    expect((await java.scan({ timeline_id: 'group:42' }, 'BACKWARD')).map(({ key }) => key)).toEqual(
      rows.map(({ key }) => key).toReversed(),
    );
  });

  it('reads what the bare SDK writes, and is read by it', async () => {
    const name = service.newName();
    await service.javaTable(name);
    const store = await service.open<Message>(name, { adapterOptions: { layout }, codec: javaCodec() });
    const { text, sent, price, read, picture, tags } = columns;
    await service.client.putRow({
      tableName: name,
      condition: condition(),
      primaryKey: [{ timeline_id: 't' }, { sequence_id: sdk.PK_AUTO_INCR }],
      attributeColumns: [
        { text },
        { tags },
        { sent: int(sent) },
        { price },
        { read },
        { picture: Buffer.from(picture) },
      ],
    });
    const { seqId } = await store.timeline('t').append(message);
    expect((await all(store, 't')).map((entry) => entry.message)).toEqual([message, message]);
    const primaryKey = [{ timeline_id: 't' }, { sequence_id: int(seqId) }];
    const { row } = await service.client.getRow({ tableName: name, primaryKey });
    expect(columnsOf(row)).toEqual({ ...columns, sent: String(sent), picture: '00ff' });
  });

  it('sees what Java appends while either of them reads', async () => {
    const name = service.newName();
    const java = await service.javaTable(name);
    const store = await service.open<Message>(name, { adapterOptions: { layout } });
    const texts: string[] = [];
    const abort = new AbortController();
    const heard = (async () => {
      for await (const entry of store.timeline('t').subscribe({ signal: abort.signal })) {
        texts.push(entry.message.text);
        if (texts.length === 4) return;
      }
    })();
    await java.store({ timeline_id: 't' }, { text: 'java 1' });
    await store.timeline('t').append({ text: 'ours 1' });
    await java.store({ timeline_id: 't' }, { text: 'java 2' });
    await store.timeline('t').append({ text: 'ours 2' });
    await heard;
    expect(texts).toEqual(['java 1', 'ours 1', 'java 2', 'ours 2']);
  });

  it('maps the parts of an id to the columns of the identifier, integers too, verbatim', async () => {
    const name = service.newName();
    const identifier = { tenant: 'STRING', room: 'INTEGER', topic: 'STRING' } as const;
    const java = await service.javaTable(name, { identifier });
    const keyColumns = Object.entries(identifier).map(([name, type]) => ({ name, type }));
    const store = await service.open<Message>(name, { adapterOptions: { layout: { type: 'java-v2', keyColumns } } });
    const room = 2n ** 60n + 1n;
    const key = { tenant: 'a/b~c', room, topic: 'ü' };
    const theirs = await java.store(key, { text: 'java' });
    const { seqId } = await store.timeline(['a/b~c', room, 'ü']).append({ text: 'ours' });
    expect(
      (await store.timeline(['a/b~c', room, 'ü']).read()).entries.map(({ seqId, message }) => [seqId, message.text]),
    ).toEqual([
      [theirs, 'java'],
      [seqId, 'ours'],
    ]);
    expect((await java.scan(key)).map(({ key }) => key)).toEqual([
      { ...key, sequence_id: theirs },
      { ...key, sequence_id: seqId },
    ]);
    for (const id of ['a', ['a', 'not an integer', 'c'], ['a', 1]] as const) {
      await expect(store.timeline(id).append({ text: 'x' })).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_ARGUMENT',
      });
    }
  });

  it('shares manual ids with Java', async () => {
    const name = service.newName();
    const java = await service.javaTable(name, { manual: true });
    const adapterOptions = { layout, sequence: 'manual' } as const;
    const store = await service.open<Message>(name, { adapterOptions });
    await java.storeAt({ timeline_id: 't' }, 2n ** 60n, { text: 'java' });
    await store.timeline('t').append({ text: 'ours' }, { seqId: 2n ** 60n + 5n });
    await expect(store.timeline('t').append({ text: 'late' }, { seqId: 2n ** 60n + 5n })).rejects.toMatchObject({
      code: 'TIMELINE_CONFLICT',
    });
    expect((await all(store, 't')).map(({ seqId, message }) => [seqId, message.text])).toEqual([
      [2n ** 60n, 'java'],
      [2n ** 60n + 5n, 'ours'],
    ]);
    expect((await java.scan({ timeline_id: 't' })).map(({ cells }) => cells.text)).toEqual([
      ['STRING', 'java'],
      ['STRING', 'ours'],
    ]);
  });

  it('makes the table that Java makes', async () => {
    const name = service.newName();
    await service.open<Message>(`${name}_ours`, { adapterOptions: { layout } });
    await service.javaTable(`${name}_java`);
    const [ours, java] = await Promise.all(
      ['ours', 'java'].map((side) => service.client.describeTable({ tableName: `${name}_${side}` })),
    );
    expect(ours?.tableMeta.primaryKey).toEqual(java?.tableMeta.primaryKey);
    expect(ours?.tableOptions).toEqual(java?.tableOptions);
  });

  it('opens a table of Java with its TTL and name, and refuses one with another', async () => {
    await service.javaTable('_im__sync_meta', { ttlSeconds: 7 * 86_400 });
    const open = (ttlMs?: number) => service.open<Message>('_im__sync_meta', { adapterOptions: { layout }, ttlMs });
    expect((await open()).ttlMs).toBe(7 * 86_400_000);
    await expect(open(8 * 86_400_000)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
    const store = await open(7 * 86_400_000);
    await store.timeline('t').append({ text: 'kept for a week' });
    expect(await all(store, 't')).toHaveLength(1);
    await expect(service.open('no table name', { adapterOptions: { layout } })).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
    });
  });
});
