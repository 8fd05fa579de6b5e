import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { encodeRow } from '../../emulator/wire/plain-buffer-writer.js';
import { nightly } from '../support/nightly.js';
import { scratchFile, session } from './files.js';
import { allRows, clientOf, columnsOf, createTable, get, put } from './sdk.js';

const VERSION = 1_700_000_000_000n;

/** A row's line, as the emulator writes it. */
function line(gid: string, seq: number, body: string): string {
  const cells = [{ name: 'c', value: { type: 'STRING', value: body }, timestamp: VERSION } as const];
  const key = [
    { name: 'gid', value: { type: 'STRING', value: gid } },
    { name: 'seq', value: { type: 'INTEGER', value: BigInt(seq) } },
  ] as const;
  return `[["row","t","${encodeRow({ primaryKey: key, cells }).toString('base64')}","${VERSION}"]]\n`;
}

interface Shape {
  readonly writes: number;
  /** How many rows they are writes of. */
  readonly rows: number;
  readonly partitions: number;
  readonly bodyBytes: number;
}

/** Lets an emulator begin a file, and adds what it would have written over a long time. */
async function journalOf({ writes, rows, partitions, bodyBytes }: Shape): Promise<string> {
  const file = scratchFile();
  await session(file, (client) => createTable(client, 't'));
  const descriptor = openSync(file, 'a');
  const filler = 'x'.repeat(bodyBytes);
  let lines: string[] = [];
  for (let write = 0; write < writes; write++) {
    const row = write % rows;
    lines.push(line(`p${row % partitions}`, row, `${write} ${filler}`));
    if (lines.length === 5000 || write === writes - 1) {
      writeSync(descriptor, lines.join(''));
      lines = [];
    }
  }
  closeSync(descriptor);
  return file;
}

async function startOn(file: string) {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const emulator = await startTablestoreEmulator({ file });
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { emulator, client: clientOf(emulator), seconds, cpuSeconds: (user + system) / 1e6 };
}

describe('a journal that has grown', () => {
  it.each([
    ['in 100 partitions', 100],
    ['each in a partition of its own', 70_000],
  ])('of 70,000 rows, %s, is read in far less than 5 seconds, and all of it', async (_, partitions) => {
    const file = await journalOf({ writes: 70_000, rows: 70_000, partitions, bodyBytes: 120 });
    const { emulator, client, cpuSeconds } = await startOn(file);
    for (let seq = 0; seq < 70_000; seq += 999) {
      expect(columnsOf((await get(client, 't', `p${seq % partitions}`, seq)).row).c).toMatch(new RegExp(`^${seq} x`));
    }
    await emulator.close();
    // About 1 s, where version 0.1.0 took 5.7 s. The clock would count what else the machine does.
    expect(cpuSeconds).toBeLessThan(4);
  });

  it('reads whole what is cut by the pieces that it is read in', async () => {
    const file = scratchFile();
    await session(file, (client) => createTable(client, 't'));
    const descriptor = openSync(file, 'a');
    const sizes = [1_000_000, 10, 2_000_000, 700_000, 786_300, 1, 786_432 - 130, 1_500_000];
    for (const [seq, size] of sizes.entries()) writeSync(descriptor, line('a', seq, 'y'.repeat(size)));
    closeSync(descriptor);
    await session(file, async (client) => {
      const lengths = (await allRows(client)).map((row) => String(columnsOf(row).c).length);
      expect(lengths).toEqual(sizes);
    });
  });

  it.runIf(nightly)('of a gigabyte is read, served, and compacted while it serves', { timeout: 900_000 }, async () => {
    for (const shape of [
      { writes: 2_400_000, rows: 2_400_000, partitions: 2000, bodyBytes: 200 },
      { writes: 2_400_000, rows: 800_000, partitions: 2000, bodyBytes: 200 },
    ]) {
      const file = await journalOf(shape);
      const size = statSync(file).size;
      expect(size).toBeGreaterThan(2 ** 30 - 2 ** 27);
      const { emulator, client, seconds } = await startOn(file);
      const memory = process.memoryUsage();
      const last = shape.rows - 1;
      expect(columnsOf((await get(client, 't', `p${last % shape.partitions}`, last)).row).c).toMatch(/^2399999 x/);
      let slowest = 0;
      const deadline = performance.now() + 60_000;
      const isCompact = () => statSync(file).size < size / 2;
      for (let seq = 0; shape.rows < shape.writes && !isCompact(); seq++) {
        const begun = performance.now();
        await put(client, 't', 'new', seq);
        slowest = Math.max(slowest, performance.now() - begun);
        expect(performance.now()).toBeLessThan(deadline);
      }
      await emulator.close();
      const megabytes = (bytes: number) => Math.round(bytes / 1e6);
      console.log(
        `${megabytes(size)} MB, ${shape.rows} rows: start ${seconds.toFixed(1)} s, rss ${megabytes(memory.rss)} MB, ` +
          `heap ${megabytes(memory.heapUsed)} MB, then ${megabytes(statSync(file).size)} MB, ` +
          `slowest put ${slowest.toFixed(0)} ms`,
      );
    }
  });
});
