import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { afterTest } from '../sqlite/support.js';
import { hasRedis } from '../support/redis-server.js';
import { linesOf, SHARED, spawnChild } from './support/children.js';
import { CONVERSATIONS, CROWD, Libraries } from './support/crowd.js';
import { Inboxes } from './support/inboxes.js';

const MESSAGES = Number(process.env.MESSAGES ?? 25);
const MEMBERS = 30;
/** Two processes send the same messages, as after a retry; the others send their own to the same conversations. */
const RUNS = ['same', 'same', 'third', 'fourth'];

describe.each(SHARED)('on %s', (kind, open) => {
  it.skipIf(kind === 'redis' && !hasRedis())(
    `${RUNS.length} processes send each message twice: every inbox holds it once, in the order of the conversation`,
    async () => {
      const location = await open();
      const children = RUNS.map((run) => spawnChild('sendTwice', location, [run, String(MESSAGES), String(MEMBERS)]));
      await Promise.all(children.map(({ stdout }) => once(stdout!, 'readable')));
      const told = children.map(linesOf);
      for (const { stdin } of children) stdin!.write('go');
      const seqIdsByKey = new Map<string, Set<string>>();
      for (const line of (await Promise.all(told)).flat().filter((each) => each !== 'ready')) {
        const [, key, seqId] = line.split(' ') as [string, string, string];
        seqIdsByKey.set(key, (seqIdsByKey.get(key) ?? new Set()).add(seqId));
      }
      expect(seqIdsByKey.size).toBe(MESSAGES * new Set(RUNS).size);
      for (const [key, seqIds] of seqIdsByKey) expect([...seqIds], key).toHaveLength(1);
      const libraries = await Libraries.open(location);
      afterTest(() => libraries.close());
      const inboxes = new Inboxes(CROWD.slice(0, MEMBERS), CONVERSATIONS);
      await inboxes.read(libraries);
      for (const conversation of CONVERSATIONS) {
        expect(inboxes.heldByAll(conversation)).toBe(inboxes.history.get(conversation)!.length);
      }
      expect(CONVERSATIONS.flatMap((conversation) => inboxes.history.get(conversation)!).sort()).toEqual(
        [...seqIdsByKey.keys()].sort(),
      );
    },
  );
});
