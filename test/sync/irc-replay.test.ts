import { describe, expect, it } from 'vitest';
import { type IrcLine, parseIrcLog } from '../../examples/irc.js';
import { type Diffusion, hybridDiffusion, readDiffusion, writeDiffusion } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { hasRedis } from '../support/redis-server.js';
import { type DatabaseKind, openDatabase } from './support/databases.js';
import { type GeneratedLog, generateLog } from './support/irc-generator.js';
import { type Replayed, replay, type Said } from './support/replay.js';

const logOf = (shape: GeneratedLog) => parseIrcLog(new TextEncoder().encode(generateLog(shape))).lines;

async function replayOn(kind: DatabaseKind, diffusion: Diffusion, lines: readonly IrcLine[]): Promise<Replayed> {
  await using database = await openDatabase<Said>(kind);
  const { store, sync } = database;
  const replayed = await replay({ store, sync, diffusion, lines, conversation: '#x' });
  expect(replayed.messages).toBe(lines.filter((line) => line.kind === 'message').length);
  return replayed;
}

describe('a log with joins, leaves, renames and bursts: devices show what was sent while their user was in', () => {
  it('among more than 500 people, which a hybrid diffuses by read, and by write once most have left', async () => {
    const crowd = 520;
    const replayed = await replayOn('memory', hybridDiffusion(), logOf({ seed: 7, crowd, lines: nightly ? 30 : 15 }));
    expect(replayed.wrong).toEqual([]);
    expect(replayed.most).toBeGreaterThanOrEqual(crowd);
  });

  const modes: [string, Diffusion][] = [
    ['write', writeDiffusion()],
    ['read', readDiffusion()],
    ['hybrid', hybridDiffusion({ writeUpTo: 20, writeBelow: 10 })],
  ];
  const some = logOf({ seed: 8, crowd: 30, lines: nightly ? 90 : 50 });
  const few = logOf({ seed: 9, crowd: 5, lines: 8 });
  describe.each<[DatabaseKind, readonly IrcLine[]]>([
    ['memory', some],
    ['sqlite', some],
    ['redis', some],
    ['tablestore', few],
  ])('on %s', (kind, lines) => {
    it.skipIf(kind === 'redis' && !hasRedis()).each(modes)('in %s diffusion', async (_, diffusion) => {
      expect((await replayOn(kind, diffusion, lines)).wrong).toEqual([]);
    });
  });
});
