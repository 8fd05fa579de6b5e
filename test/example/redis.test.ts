import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, hasRedis, RedisServer } from '../support/redis-server.js';
import { exampleWith, expectVerified, LOG } from './run.js';

describe.skipIf(!hasRedis())('the group chat example on Redis', () => {
  let server: RedisServer;
  let url: string;

  beforeAll(async () => {
    server = await RedisServer.start({ persistence: 'aof' });
    url = `redis://127.0.0.1:${server.port}`;
  });
  afterAll(() => server?.stop());

  it('starts a server of its own, and stops and removes it', async () => {
    const finished = await exampleWith({ REDIS_URL: '' }, '--store', 'redis');
    expectVerified(finished, 9, 4, 36);
    const socket = /server +(\S+) +of its own/.exec(finished.out)?.[1];
    expect(socket).toBeDefined();
    expect(existsSync(socket!)).toBe(false);
  });

  it('writes nothing twice when it runs again on the server of REDIS_URL, and no key but its own', async () => {
    const run = () => exampleWith({ REDIS_URL: url }, '--store', 'redis', '--import', LOG);
    expectVerified(await run(), 45, 9, 198);
    const again = await run();
    expectVerified(again, 45, 9, 198);
    expect(again.out).toContain(`server      127.0.0.1:${server.port}  of REDIS_URL`);
    expect(again.out).toMatch(/stored +0 +45 were there already\n +delivered +0 +198 were there already\n/);

    const client = new Redis(server.port);
    const keys = await client.keys('*');
    client.disconnect();
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !key.startsWith('group-chat:'))).toEqual([]);
  });
});

describe('the group chat example without Redis', () => {
  it('says in one line how to get it', async () => {
    expect(await exampleWith({ REDIS_URL: '', PATH: '/nowhere' }, '--store', 'redis')).toEqual({
      code: 1,
      out: '',
      err:
        'group-chat: no Redis: set REDIS_URL, or install redis-server ' +
        '(apt-get install redis-server, brew install redis)\n',
    });
  });

  it('says in one line what is wrong with REDIS_URL', async () => {
    const port = await freePort();
    const refused = await exampleWith({ REDIS_URL: `redis://:secret@127.0.0.1:${port}` }, '--store', 'redis');
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^group-chat: cannot reach .*ECONNREFUSED.*\n$/),
    });
    expect(refused.err).not.toContain('secret');
    const wrong = await exampleWith({ REDIS_URL: 'localhost' }, '--store', 'redis');
    expect(wrong).toMatchObject({ code: 1, err: 'group-chat: REDIS_URL must be like redis://localhost:6379\n' });
  });

  it('needs it for no other store', async () => {
    expectVerified(await exampleWith({ REDIS_URL: 'nonsense', PATH: '/nowhere' }, '--store', 'memory'), 9, 4, 36);
  });
});
