/**
 * Replays real IRC logs and prints the results: `npx tsx test/sync/support/replay-folder.ts FOLDER [store ...]`.
 * Replays each file, and then all files one after another in one conversation, which nobody leaves at the end of a
 * file. `LINES` bounds the lines of a file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type IrcLine, parseIrcLog } from '../../../examples/irc.js';
import { hybridDiffusion, readDiffusion, writeDiffusion } from '../../../sync/index.js';
import { DATABASES, type DatabaseKind, openDatabase } from './databases.js';
import { replay, type Said } from './replay.js';

const LINES = Number(process.env.LINES ?? Number.POSITIVE_INFINITY);
const [folder, ...stores] = process.argv.slice(2);
if (folder === undefined) {
  console.error('which folder?');
  process.exit(2);
}

const files = readdirSync(folder).filter((name) => name.endsWith('.txt') && name !== 'README.txt');
const logs = files.map((file) => ({
  file,
  lines: parseIrcLog(readFileSync(join(folder, file))).lines.slice(0, LINES),
}));
const together: IrcLine[] = logs.flatMap(({ lines }) => lines).map((line, i) => ({ ...line, number: i + 1 }));
if (logs.length > 1) logs.push({ file: 'all together', lines: together });
const most = (lines: readonly IrcLine[]) => (lines === together ? [500, 300] : [100, 60]);
let wrong = 0;

console.log('| file | lines | messages | members | at most | mode | store | entries | seconds | wrong devices |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const { file, lines } of logs) {
  const [writeUpTo, writeBelow] = most(lines);
  const diffusions = {
    write: writeDiffusion(),
    read: readDiffusion(),
    hybrid: hybridDiffusion({ writeUpTo, writeBelow }),
  };
  for (const kind of DATABASES.filter((each) => stores.length === 0 || stores.includes(each))) {
    for (const [mode, diffusion] of Object.entries(diffusions)) await row(file, lines, kind, mode, diffusion);
  }
}
process.exitCode = wrong === 0 ? 0 : 1;

async function row(
  file: string,
  lines: readonly IrcLine[],
  kind: DatabaseKind,
  mode: string,
  diffusion: ReturnType<typeof writeDiffusion>,
): Promise<void> {
  await using database = await openDatabase<Said>(kind);
  const { store, sync, counts } = database;
  const start = performance.now();
  const replayed = await replay({ store, sync, diffusion, lines, conversation: file });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  wrong += replayed.wrong.length;
  const cells = [
    file,
    lines.length,
    replayed.messages,
    replayed.members,
    replayed.most,
    mode,
    kind,
    counts.entries,
    seconds,
  ];
  console.log(`| ${[...cells, replayed.wrong.length].join(' | ')} |`);
}
