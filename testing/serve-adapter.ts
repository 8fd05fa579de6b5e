import type { TimelineAdapter } from '../src/adapter.js';
import { isTimelineError } from '../src/errors.js';
import { openTimelineStore } from '../src/index.js';
import type { TimelineStore } from '../src/types.js';
import type { ChildItem, ChildOutcome, Command, Report, Request } from './child-protocol.js';

/**
 * Runs as the whole child script of the kit's tests with several processes. Executes the commands of the IPC channel of
 * `child_process.fork` on the adapter that `create` makes for the parent's data. Exits when the parent closes the
 * channel or dies.
 *
 * @example
 * ```ts
 * serveAdapter(() => sqliteAdapter(process.argv[2]!));
 * ```
 */
export function serveAdapter(create: () => TimelineAdapter): void {
  const child = new Server(create);
  process.on('message', (request: Request) => void child.answer(request));
  process.once('disconnect', () => process.exit());
}

class Server {
  readonly #create: () => TimelineAdapter;
  #store: TimelineStore<string> | undefined;

  constructor(create: () => TimelineAdapter) {
    this.#create = create;
  }

  async answer({ id, command }: Request): Promise<void> {
    try {
      report({ kind: 'done', id, value: await this.#run(command) });
    } catch (error) {
      report({ kind: 'failed', id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }

  async #run(command: Command): Promise<readonly ChildOutcome[]> {
    if (command.do === 'open') {
      this.#store = await openTimelineStore<string>({ adapter: this.#create(), name: command.library });
      return [];
    }
    const store = this.#store;
    if (!store) throw new Error('the first command must be `open`');
    switch (command.do) {
      case 'append':
        return Promise.all(command.items.map((item) => append(store, command.timeline, item)));
      case 'subscribe':
        await new Promise<void>((resolve) => void subscribe(store, command.timeline, resolve));
        return [];
      case 'advance': {
        const checkpoint = store.timeline(command.timeline).checkpoint(command.reader);
        await Promise.all(command.to.map((seqId) => checkpoint.advance(BigInt(seqId))));
        return [];
      }
      case 'drop':
        await store.timeline(command.timeline).drop();
        return [];
      case 'listen':
        store.listen(command.topics, (topic, payload) => report({ kind: 'signal', topic, payload }));
        return [];
      case 'publish':
        await store.publish(command.topic, command.payload);
        return [];
      case 'close':
        await store.close();
        return [];
    }
  }
}

async function append(store: TimelineStore<string>, timeline: string, item: ChildItem): Promise<ChildOutcome> {
  try {
    const { key, expectedLast } = item;
    const result = await store.timeline(timeline).append(item.message, {
      key,
      expectedLast: expectedLast === undefined ? undefined : BigInt(expectedLast),
    });
    return { seqId: String(result.seqId), duplicate: result.duplicate };
  } catch (error) {
    return { code: isTimelineError(error) ? error.code : String(error) };
  }
}

async function subscribe(store: TimelineStore<string>, timeline: string, onCaughtUp: () => void): Promise<void> {
  try {
    for await (const { seqId, message } of store.timeline(timeline).subscribe({ onCaughtUp })) {
      report({ kind: 'entry', timeline, seqId: String(seqId), message, at: Date.now() });
    }
  } catch (error) {
    if (!isTimelineError(error)) throw error;
    report({ kind: 'ended', timeline, code: error.code });
  }
}

function report(message: Report): void {
  process.send?.(message);
}
