import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as scripts from '../../adapters/redis/scripts.generated.js';
import {
  AT_WIDTH,
  epochIn,
  LARGE_BODY_BYTES,
  lastIn,
  PERIOD_WIDTH,
  TimelineState,
} from '../../adapters/redis/timeline-state.js';
import { generateScripts, OUTPUT } from '../../build/redis-scripts.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

const adapter = fileURLToPath(new URL('../../adapters/redis', import.meta.url));
const read = (name: string) => readFileSync(`${adapter}/${name}`, 'utf8');
const files = readdirSync(`${adapter}/scripts`).map((name) => `scripts/${name}`);

describe('Lua scripts', () => {
  it('are in TypeScript as they are in their files: npm run build:lua', () => {
    expect(readFileSync(OUTPUT, 'utf8')).toBe(generateScripts());
  });

  it('say in their header what goes in and out, and what calls them', () => {
    const texts = files.map(read);
    const included = texts.flatMap((text) => [...text.matchAll(/^--include (\S+)$/gm)].map(([, name]) => name));
    const programs = files.filter((name) => !included.includes(name.replace('scripts/', '')));
    expect(programs).toHaveLength(Object.keys(scripts).length);
    for (const name of programs) {
      const [, caller = ''] = /^-- caller {2}\w+ in (\S+)$/m.exec(read(name)) ?? [];
      expect(read(name), name).toMatch(/^-- KEYS .*\n(?:--.*\n)*-- answer /m);
      expect(read(caller), name).toContain(
        name
          .replace(/^scripts\/(.*)\.lua$/, '$1')
          .replaceAll('-', '_')
          .toUpperCase(),
      );
    }
  });
});

describe('the minimal rights of docs/redis.md', () => {
  it('name every command that a script calls', () => {
    const docs = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
    const called = files.flatMap((name) => [...read(name).matchAll(/\bp?call\('([A-Z]+)'/g)].map(([, each]) => each));
    const missing = called.filter((each = '') => !new RegExp(`\\+${each.toLowerCase()}\\b`).test(docs));
    expect(called).toContain('HSETNX');
    expect(missing).toEqual([]);
  });
});

describe.skipIf(!hasRedis())('Lua scripts on a server', () => {
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port);
  });

  afterAll(async () => {
    client?.disconnect();
    await server?.stop();
  });

  it('compile, each file by itself too', async () => {
    for (const { source, sha } of Object.values(scripts)) expect(await client.script('LOAD', source)).toBe(sha);
    for (const name of [...files, 'timeline-state.lua']) {
      await expect(client.script('LOAD', read(name)), name).resolves.toHaveLength(40);
    }
  });

  it('take a state apart as TypeScript does, and put it together again', async () => {
    const last = '9007199254740993';
    const rest = ' 0000abcd 0123456789-abc 42 1740000000000 41 ul 9876543210-x:40,0000000000-y:7';
    const text = `0001750000000000 ${last}${rest}`;
    const fragments = ['scripts/replication-id.lua', 'timeline-state.lua'].map(read).join('\n');
    const source = `${fragments}
      local state = parseState(ARGV[1])
      return { formatState(state), state.at, state.last, state.keysPeriod, state.epoch, state.first, state.floor,
        AT_WIDTH, PERIOD_WIDTH, LARGE_BODY_BYTES }`;
    const answer = (await client.eval(source, 0, text)) as string[];
    const [formatted, at, lastInLua, period, epoch, first, floor, ...constants] = answer;
    expect(formatted).toBe(text);
    expect([at, lastInLua, period]).toEqual(['1750000000000', last, '0000abcd']);
    expect(constants).toEqual([AT_WIDTH, PERIOD_WIDTH, LARGE_BODY_BYTES]);
    expect([lastIn(text), epochIn(text)]).toEqual([last, epoch]);
    const state = new TimelineState(text);
    expect(state.hasLargeBodies).toBe(true);
    expect(state.visibleAt(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toEqual({
      epoch,
      firstSeqId: BigInt(first as string),
      lastSeqId: BigInt(last),
      floor: BigInt(floor as string),
      ancestors: [
        { epoch: '9876543210-x', seqId: 40n },
        { epoch: '0000000000-y', seqId: 7n },
      ],
      needsRetention: false,
    });
  });
});
