import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seqIdOf } from '../../src/cursor.js';
import { afterTest } from '../sqlite/support.js';
import { hasRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { linesOf, SHARED, spawnChild } from './support/children.js';
import { CONVERSATIONS, CROWD, type DatabaseLocation, Libraries, messageOf } from './support/crowd.js';
import { Inboxes } from './support/inboxes.js';

/** From this number on, the figures are no accident: `KILLS=30 npx vitest run test/sync/kill.test.ts`. */
const MANY = 10;
const KILLS = Number(process.env.KILLS ?? 2);

/** The reports of a sender on its messages, by key. */
interface Told {
  readonly sending: Set<string>;
  readonly stored: Map<string, number>;
  readonly delivered: Map<string, number>;
}

describe.each(SHARED)('on %s', (kind, open) => {
  it.skipIf(kind === 'redis' && !hasRedis())(
    `after ${KILLS} kills during fan-outs to ${CROWD.length} inboxes, each inbox holds each message once, in order`,
    async () => {
      const location = await open();
      const libraries = await Libraries.open(location);
      afterTest(() => libraries.close());
      const inboxes = new Inboxes(CROWD, CONVERSATIONS);
      const figures = { kills: 0, stored: 0, unacknowledged: 0, behind: 0, partial: 0, resumed: 0, copies: 0 };
      for (let i = 0; i < KILLS; i++) {
        const told = await killSender(location, `run${i}`);
        await inboxes.read(libraries);
        for (const [key, seqId] of told.delivered) {
          expect(inboxes.heldByAll(messageOf(key).conversation), `${key} was delivered`).toBeGreaterThanOrEqual(seqId);
        }
        const isBehind = CONVERSATIONS.some((id) => inboxes.heldByAll(id) < inboxes.history.get(id)!.length);
        if (isBehind) figures.behind++;
        if (CONVERSATIONS.some((id) => inboxes.heldByAll(id) < inboxes.heldByAny(id))) figures.partial++;
        const unsure = [...told.sending].filter((key) => !told.stored.has(key));
        figures.resumed += await RECOVERIES[i % RECOVERIES.length]!(location, libraries, unsure);
        await inboxes.read(libraries);
        for (const id of CONVERSATIONS) expect(inboxes.heldByAll(id)).toBe(inboxes.history.get(id)!.length);
        for (const [key, seqId] of told.stored) expect(bodyAt(inboxes, key, seqId)).toBe(key);
        figures.kills++;
        figures.stored += told.stored.size;
        figures.unacknowledged += unsure.length;
      }
      const bodies = CONVERSATIONS.flatMap((id) => inboxes.history.get(id)!);
      expect(new Set(bodies).size).toBe(bodies.length);
      figures.copies = bodies.length * CROWD.length;
      if (KILLS >= MANY) expect(figures.behind).toBeGreaterThan(KILLS / 2);
      if (process.env.KILLS) console.log(kind, JSON.stringify(figures));
    },
    60_000 + KILLS * 30_000,
  );
});

const bodyAt = (inboxes: Inboxes, key: string, seqId: number) =>
  inboxes.history.get(messageOf(key).conversation)![seqId - 1];

/** Ways in which another process finishes the work of a killed one. Each resolves once the work is done. */
const RECOVERIES: readonly ((
  location: DatabaseLocation,
  libraries: Libraries,
  unsure: readonly string[],
) => Promise<number>)[] = [
  async (location) => {
    const [line] = await linesOf(spawnChild('recover', location));
    return Number(line?.split(' ')[1]);
  },
  async (location, libraries) => {
    const child = spawnChild('watch', location);
    await until(
      'the background loop has caught up',
      async () => {
        const [heads, positions] = await Promise.all([
          libraries.store.heads(CONVERSATIONS),
          libraries.store.checkpoints(CONVERSATIONS.map((timeline) => ({ timeline, reader: 'fan-out' }))),
        ]);
        return heads.every(({ lastSeqId }, i) => lastSeqId === seqIdOf(positions[i] ?? '.0'));
      },
      60_000,
    );
    await kill(child);
    return 0;
  },
  async (location, _, unsure) => {
    const lines = await linesOf(spawnChild('resend', location, unsure));
    expect(lines.filter((line) => line.startsWith('delivered '))).toHaveLength(unsure.length);
    const [line] = await linesOf(spawnChild('recover', location));
    return Number(line?.split(' ')[1]);
  },
];

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Kills a sender at a random moment of its first fan-outs. */
async function killSender(location: DatabaseLocation, run: string): Promise<Told> {
  const child = spawnChild('sendForever', location, [run]);
  const closed = once(child, 'close');
  const told: Told = { sending: new Set(), stored: new Map(), delivered: new Map() };
  const deliveries = Math.floor(Math.random() * 6);
  let killing: Promise<unknown> | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [word, key, seqId] = line.split(' ') as [keyof Told, string, string];
    if (word === 'sending') told.sending.add(key);
    else told[word].set(key, Number(seqId));
    if (told.delivered.size >= deliveries) killing ??= delay(Math.random() * 100).then(() => child.kill('SIGKILL'));
  }
  await killing;
  await closed;
  return told;
}
