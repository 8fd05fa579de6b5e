/** Sends after all messages have expired, and prints the results. Argument: `memory` or a SQLite file. */
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { isTimelineError, openTimelineStore } from '../../src/index.js';
import { createSync, hybridDiffusion, type Stored, type Synced, timelineDirectory } from '../../sync/index.js';

const [where = 'memory'] = process.argv.slice(2);
const memory = memoryAdapter();
let now = Date.now();
const common = { now: () => now, clockToleranceMs: Number.POSITIVE_INFINITY };

async function inOneProcess(body: string): Promise<string> {
  const adapter = where === 'memory' ? memory : sqliteAdapter(where);
  await using store = await openTimelineStore<Stored<string>>({ adapter, name: 'store', ttlMs: 60_000, ...common });
  await using state = await openTimelineStore<Stored<string>>({ adapter, name: 'state', ...common });
  await using inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync', ttlMs: 60_000, ...common });
  const directory = timelineDirectory({ store: state });
  await using sync = createSync<string>({
    store,
    state,
    sync: inboxes,
    directory,
    diffusion: hybridDiffusion(),
    recoverEveryMs: 0,
  });
  try {
    await (await sync.join('group', ['ann', 'bob'])).delivered;
    await (await sync.send({ conversation: 'group', sender: 'ann', body, key: body })).delivered;
    const page = await sync.device('bob', 'phone').pull();
    await sync.device('bob', 'phone').ack(page.cursor);
    return page.messages.map((message) => message.body).join();
  } catch (error) {
    return isTimelineError(error) ? error.code : String(error);
  }
}

for (const body of ['one', 'two', 'three']) {
  console.log(await inOneProcess(body));
  now += 120_000;
}
