import { expect, it } from 'vitest';
import type { TimelineAdapter } from '../../src/adapter.js';
import type { Codec, StandardSchemaV1 } from '../../src/index.js';
import { type MessageSync, type OpenMessageSyncOptions, openMessageSync } from '../../sync/index.js';
import { Interposed } from './support/interposed.js';
import { all, bodyOf } from './support/people.js';
import { inWorlds, type World } from './support/worlds.js';

type Options = Partial<OpenMessageSyncOptions<never>>;
const quiet = { recoverEveryMs: 0, onWarning: () => undefined };

/** Refuses texts that are too long, and trims the others. */
const trimmed: StandardSchemaV1<unknown, string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      typeof value === 'string' && value.length < 20
        ? { value: value.trim() }
        : { issues: [{ message: 'too long', path: ['text'] }] },
  },
};

/** Bytes with a random start, as an encryption makes them. */
const sealed: Codec<string> = {
  encode: (body) => Buffer.from([Math.random() * 256, 10, ...Buffer.from(body).map((byte) => byte ^ 0x55)]),
  decode: (body) => Buffer.from((body as Uint8Array).slice(2).map((byte) => byte ^ 0x55)).toString(),
  fingerprint: (body) => body,
};
const shouting: Codec<string> = {
  encode: (body) => `${body}\n!`,
  decode: (body) => (body as string).slice(0, -2),
};

inWorlds(
  'openMessageSync',
  (open) => {
    const adaptersOf = (world: World) => ({ store: world.connect('store'), sync: world.connect('sync') });

    async function talk(sync: MessageSync<string>): Promise<(string | undefined)[]> {
      await (await sync.join('g', ['ann', 'bob'])).delivered;
      const { seqId, delivered } = await sync.send({ conversation: 'g', sender: 'ann', body: 'a\nb', key: 'k' });
      await delivered;
      expect(await sync.send({ conversation: 'g', sender: 'ann', body: 'a\nb', key: 'k' })).toMatchObject({
        seqId,
        duplicate: true,
      });
      await (await sync.send({ conversation: 'g', sender: 'ann', body: 'ü' })).delivered;
      await (await sync.edit('g', seqId, 'changed', { key: 'e' })).delivered;
      expect((await sync.edit('g', seqId, 'changed', { key: 'e' })).duplicate).toBe(true);
      const shown = (await sync.messages('g', { user: 'bob' })).messages.map(({ body }) => body);
      const page = await sync.device('bob', 'phone').pull();
      return [...shown, ...page.messages.map(bodyOf)];
    }

    it('opens all that is needed, and closes it', async () => {
      const world = await open();
      const adapter = adaptersOf(world);
      const sync = await openMessageSync<string>({ adapter, ...quiet });
      expect((await talk(sync)).slice(0, 2)).toEqual(['changed', 'ü']);
      expect(await sync.isMember('g', 'bob')).toBe(true);
      const history = sync.history('g');
      await sync.close();
      await sync.close();
      await expect(history.read()).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
      await expect(sync.messages('g')).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
      await using again = await openMessageSync<string>({ adapter: adaptersOf(world), ...quiet });
      expect((await again.messages('g')).messages).toHaveLength(2);
      expect((await all(again.members('g'))).sort()).toEqual(['ann', 'bob']);
      await using other = await openMessageSync<string>({ adapter: adaptersOf(world), name: 'other', ...quiet });
      expect((await other.messages('g')).messages).toEqual([]);
    });

    it.each([
      ['bytes', sealed],
      ['text', shouting],
    ])('has a codec encode bodies to %s, and nothing else', async (_, codec) => {
      const world = await open();
      const bodies: unknown[] = [];
      const noting: Codec<string> = {
        ...codec,
        encode: (body) => {
          bodies.push(body);
          return codec.encode(body);
        },
      };
      for (const name of ['first', 'second']) {
        await using sync = await openMessageSync<string>({ adapter: adaptersOf(world), codec: noting, name, ...quiet });
        expect((await talk(sync)).slice(0, 2)).toEqual(['changed', 'ü']);
      }
      expect(bodies.length).toBeGreaterThan(0);
      expect([...new Set(bodies)].sort()).toEqual(['a\nb', 'changed', 'ü']);
    });

    it('validates bodies once, before any I/O', async () => {
      const world = await open();
      const calls: string[] = [];
      const [store, inboxes] = [new Interposed(world.connect('store')), new Interposed(world.connect('sync'))];
      await using sync = await openMessageSync<string>({
        adapter: { store, sync: inboxes },
        schema: trimmed,
        ...quiet,
      });
      const { seqId, delivered } = await sync.send({ conversation: 'g', sender: 'ann', body: '  hello ' });
      await delivered;
      for (const each of [store, inboxes]) each.before = (method) => void calls.push(method);
      const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'body', issues: [{ message: 'too long' }] };
      const body = 'x'.repeat(30);
      await expect(sync.send({ conversation: 'h', sender: 'ann', body })).rejects.toMatchObject(refused);
      await expect(sync.edit('g', seqId, body)).rejects.toMatchObject(refused);
      await expect(sync.edit('g', seqId, 1 as never)).rejects.toMatchObject(refused);
      expect(calls).toEqual([]);
      await (await sync.edit('g', seqId, ' bye ')).delivered;
      expect((await sync.messages('g')).messages).toMatchObject([{ body: 'bye' }]);
    });

    it('keeps the order of messages whose validation takes its time', async () => {
      const world = await open();
      const releases = new Map<unknown, () => void>();
      const schema = {
        '~standard': {
          version: 1 as const,
          vendor: 'test',
          validate: (value: unknown) =>
            new Promise<{ value: string } | { issues: { message: string }[] }>((resolve) => {
              const answer = value === 'bad' ? { issues: [{ message: 'bad' }] } : { value: value as string };
              releases.set(value, () => resolve(answer));
            }),
        },
      };
      await using sync = await openMessageSync<string>({ adapter: adaptersOf(world), schema, ...quiet });
      const aborting = new AbortController();
      const send = (body: string, signal?: AbortSignal) =>
        sync.send({ conversation: 'g', sender: 'ann', body }, { signal });
      const first = send('first');
      const bad = send('bad');
      const aborted = send('aborted', aborting.signal);
      const last = send('last');
      releases.get('bad')!();
      releases.get('last')!();
      await expect(bad).rejects.toMatchObject({ argument: 'body' });
      aborting.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'TIMELINE_ABORTED', outcome: 'not-applied' });
      const elsewhere = sync.send({ conversation: 'h', sender: 'ann', body: 'elsewhere' });
      releases.get('elsewhere')!();
      await elsewhere;
      expect((await sync.messages('g')).messages).toEqual([]);
      releases.get('first')!();
      await Promise.all([first, last]);
      expect((await sync.messages('g')).messages.map(({ body }) => body)).toEqual(['first', 'last']);
    });

    it('closes what it has opened if a later part fails', async () => {
      const world = await open();
      const opened = new Set<string>();
      const noting = (adapter: TimelineAdapter, failing: string): TimelineAdapter => ({
        ...adapter,
        name: adapter.name,
        open: async (options) => {
          if (options.name.endsWith(failing)) throw new Error('no space');
          const library = await adapter.open(options);
          opened.add(options.name);
          return new Proxy(library, {
            get: (target, name) => {
              const value: unknown = Reflect.get(target, name, target);
              if (typeof value !== 'function') return value;
              return (...args: unknown[]) => {
                if (name === 'close') opened.delete(options.name);
                return Reflect.apply(value, target, args);
              };
            },
          });
        },
      });
      const opening = (failing: string, options: Options = {}) => {
        const { store, sync } = adaptersOf(world);
        const adapter = { store: noting(store, failing), sync: noting(sync, failing) };
        return openMessageSync<string>({ adapter, ...quiet, ...options });
      };
      for (const failing of ['.state', '.store', '.sync']) {
        await expect(opening(failing)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
        expect([...opened]).toEqual([]);
      }
      await expect(opening('none', { pollMs: -1 })).rejects.toMatchObject({ argument: 'pollMs' });
      expect([...opened]).toEqual([]);
      const sync = await opening('none');
      expect([...opened].sort()).toEqual(['chat.state', 'chat.store', 'chat.sync']);
      await sync.close();
      expect([...opened]).toEqual([]);
    });

    it('refuses options that are none', async () => {
      const world = await open();
      const adapter = adaptersOf(world);
      const bad: [string, object][] = [
        ['adapter', { adapter: undefined }],
        ['adapter', { adapter: { store: adapter.store } }],
        ['name', { name: '' }],
        ['name', { name: 'x'.repeat(250) }],
        ['name', { name: 1 }],
        ['schema', { schema: {} }],
        ['codec', { codec: { encode: () => '' } }],
        ['ttlMs', { ttlMs: -1 }],
        ['directory', { directory: {} }],
        ['diffusion', { diffusion: {} }],
        ['authorize', { authorize: 1 }],
        ['alter', { alter: 1 }],
      ];
      for (const [argument, options] of bad) {
        const opening = openMessageSync<string>({ adapter, ...quiet, ...options } as never);
        const code = expect.stringMatching(/^TIMELINE_(?:INVALID_ARGUMENT|TOO_LARGE)$/);
        await expect(opening, JSON.stringify(options)).rejects.toMatchObject({ code, argument });
      }
      await expect(openMessageSync(undefined as never)).rejects.toMatchObject({ argument: 'options' });
    });
  },
  { core: true },
);
