/** A group chat, from a script or from a real IRC log. See `npm run example -- --help`. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isTimelineError } from 'timeline-model';
import { openChat } from './chat.js';
import { runDemo } from './demo.js';
import { parseIrcLog } from './irc.js';
import { bold, field, print } from './print.js';
import { runReplay } from './replay.js';
import { openStore, STORES } from './stores.js';
import { UsageError } from './usage-error.js';

const HELP = `${bold('A group chat on Timelines')}

Sends messages to groups and a channel, edits one and takes one back, pulls on
devices, pages through the history, lists conversations, and checks the result.

  npm run example                      a short scripted conversation
  npm run example -- --import FILE     replay an IRC log, each message by its sender

  --db FILE       the SQLite file; run again with the same file and nothing is
                  written twice. Default: a temporary one, removed at the end
  --store NAME    sqlite (default), redis, tablestore or memory. Redis is the
                  server that REDIS_URL names; without it, one of the run's own,
                  started from the redis-server on PATH and stopped at the end.
                  TableStore is the instance that TABLESTORE_ENDPOINT,
                  TABLESTORE_INSTANCE, TABLESTORE_ACCESS_KEY_ID and
                  TABLESTORE_ACCESS_KEY_SECRET name; without them, an emulator
  --help          this text`;

interface Options {
  readonly log: string | undefined;
  readonly db: string | undefined;
  readonly store: string;
  readonly help: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      import: { type: 'string' },
      db: { type: 'string' },
      store: { type: 'string', default: 'sqlite' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (!STORES.includes(values.store)) throw new UsageError(`no store "${values.store}"; there is ${STORES.join(', ')}`);
  if (values.db !== undefined && values.store !== 'sqlite')
    throw new UsageError(`--db is for the sqlite store, not for ${values.store}`);
  for (const name of ['import', 'db'] as const) {
    if (values[name] === '') throw new UsageError(`--${name} needs the name of a file`);
  }
  return { log: values.import, db: values.db, store: values.store, help: values.help };
}

async function main(args: readonly string[]): Promise<boolean> {
  const { log: file, db, store, help } = readOptions(args);
  if (help) {
    print(HELP);
    return true;
  }
  const log = file === undefined ? undefined : parseIrcLog(await readLog(file));
  const opened = await openStore(store, db);
  try {
    print(bold('A group chat on Timelines'));
    if (file !== undefined) field('log', file);
    field('store', store);
    if (opened.place) field(opened.place.kind, opened.place.name, opened.place.note);
    const chat = await openChat(opened);
    try {
      return await (log && file ? runReplay(chat, file, log) : runDemo(chat));
    } finally {
      await chat.close();
    }
  } finally {
    await opened.close();
  }
}

async function readLog(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a folder',
      EACCES: 'permission denied',
    };
    throw new UsageError(`cannot read ${file}: ${reasons[error.code ?? ''] ?? error.message}`);
  });
}

/** Returns one line for an expected error; `undefined` for a defect, which is shown with its stack. */
function explain(error: unknown): string | undefined {
  if (error instanceof UsageError) return error.message;
  if (isTimelineError(error)) return `${error.message} (${error.code})`;
  const isBadFlag = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  return isBadFlag ? `${error.message.split('. ')[0]}; see --help` : undefined;
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  const message = explain(error);
  if (message === undefined) throw error;
  process.stderr.write(`group-chat: ${message}\n`);
  process.exitCode = 1;
}
