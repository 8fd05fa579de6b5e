import type { Call, Write, WriteOutcome } from '../../src/adapter.js';
import { groupByTimeline, TimelineError } from '../../src/toolkit/index.js';
import {
  ENTRIES_PER_SCRIPT,
  encodeAppend,
  parseOutcome,
  TIMELINES_PER_SCRIPT,
  type TimelineWrites,
} from './append-scripts.js';
import { chunkBySlot } from './connection/hash-slot.js';
import { messageOf, toTimelineError } from './errors.js';
import { type FastRequest, fastKindOf, newFastRequest } from './fast-requests.js';
import type { Library } from './library.js';
import type { Registry } from './registry.js';
import type { Retention } from './retention.js';
import { APPEND } from './scripts.generated.js';

/** Milliseconds that the answer of WAIT may be late: Redis checks its timeouts ten times a second. */
const WAIT_LATENESS_MS = 120;

/** One call of `append`. */
interface Batch {
  readonly writes: readonly Write[];
  /** In the order of `writes`. */
  readonly outcomes: WriteOutcome[];
  readonly call: Call;
}

/**
 * Nearly all writes are one entry, or several without keys, for Timelines that this process has written to before. They
 * go by `append-each.lua` and `append-several.lua`, which can do no more. All others, and those that these scripts
 * leave because something was not as expected, go by `append.lua`. All writes of a call to one Timeline go by one
 * script, so that none overtakes another that has to be tried again.
 */
export class Appender {
  readonly #library: Library;
  readonly #registry: Registry;
  readonly #retention: Retention;

  constructor(library: Library, registry: Registry, retention: Retention) {
    this.#library = library;
    this.#registry = registry;
    this.#retention = retention;
  }

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const batch: Batch = { writes, outcomes: new Array<WriteOutcome>(writes.length), call };
    const { keys } = this.#library;
    const work: Promise<unknown>[] = [];
    const others: TimelineWrites[] = [];
    const openRequests = new Map<string, FastRequest>();
    for (const [id, indexes] of groupByTimeline(writes)) {
      const each = { timeline: keys.of(id), indexes };
      const { isListed, slot } = each.timeline;
      const kind = isListed ? fastKindOf(each, writes) : undefined;
      const place = `${kind} ${slot}`;
      const open = openRequests.get(place);
      if (open?.add(each, writes)) continue;
      const next = kind && newFastRequest(kind, keys.isCluster);
      if (!next?.add(each, writes)) {
        others.push(each);
        continue;
      }
      // The server works on a full request while the next one is filled.
      if (open) work.push(this.#appendFast(batch, open));
      openRequests.set(place, next);
    }
    for (const request of openRequests.values()) work.push(this.#appendFast(batch, request));
    work.push(this.#appendOthers(batch, others));
    await Promise.all(work);
    return batch.outcomes;
  }

  async #appendFast(batch: Batch, request: FastRequest): Promise<void> {
    const { connections } = this.#library;
    const { writes, outcomes, call } = batch;
    const left = await attempt(batch, request.timelines, async () => {
      const answer = await connections.write.script(request.script, request.keys, request.args(this.#library), call);
      await awaitDurability(this.#library, call);
      return request.parseAnswer(answer as string, writes, outcomes);
    });
    if (!left?.length) return;
    // Their data have changed, so the registry may have lost them too.
    for (const { timeline } of left) timeline.isListed = false;
    await this.#appendOthers(batch, left);
  }

  async #appendOthers(batch: Batch, timelines: readonly TimelineWrites[]): Promise<void> {
    await this.#appendInChunks(batch, timelines);
    if (this.#library.settings.ttlMs === undefined) return;
    const denied = timelines.filter(({ indexes }) => indexes.every((index) => isOutOfMemory(batch.outcomes[index])));
    if (denied.length === 0) return;
    // Removing what has expired of these Timelines frees memory.
    const ids = denied.map(({ timeline }) => timeline.id);
    const freed = await this.#retention.freeMemory(ids, batch.call);
    const again = denied.filter(({ timeline }) => freed.has(timeline.id));
    await this.#appendInChunks(batch, again);
  }

  async #appendInChunks(batch: Batch, timelines: readonly TimelineWrites[]): Promise<void> {
    const entriesOf = (index: number) => (batch.writes[index] as Write).entries.length;
    const chunks = chunkBySlot(timelines, ({ timeline }) => timeline.slot, {
      items: TIMELINES_PER_SCRIPT,
      weight: ENTRIES_PER_SCRIPT,
      weightOf: ({ indexes }) => indexes.reduce((sum, index) => sum + entriesOf(index), 0),
    });
    await Promise.all(chunks.map((chunk) => attempt(batch, chunk, () => this.#appendChunk(batch, chunk))));
  }

  async #appendChunk({ writes, outcomes, call }: Batch, chunk: readonly TimelineWrites[]): Promise<void> {
    const { connections } = this.#library;
    const timelines = chunk.map(({ timeline }) => timeline);
    await this.#registry.add(timelines, call);
    const { keys, args } = encodeAppend(this.#library, writes, chunk);
    const lines = ((await connections.write.script(APPEND, keys, args, call)) as string).split('\n');
    await awaitDurability(this.#library, call);
    let line = 0;
    for (const { timeline, indexes } of chunk) {
      for (const index of indexes) {
        const outcome = parseOutcome(writes[index] as Write, lines[line++] as string);
        if (!outcome.ok) connections.reconnectIfMoved(outcome.error, timeline.streamKey);
        outcomes[index] = outcome;
      }
    }
  }
}

/** Resolves with undefined if a whole script fails: its error is then the outcome of every write in it. */
async function attempt<T>(
  { outcomes }: Batch,
  timelines: readonly TimelineWrites[],
  run: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    const outcome = { ok: false, error: toTimelineError(error, 'write') } as const;
    for (const { indexes } of timelines) for (const index of indexes) outcomes[index] = outcome;
    return undefined;
  }
}

function isOutOfMemory(outcome: WriteOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.error.code === 'TIMELINE_BUSY';
}

/**
 * Waits until the writes of this connection are on the replicas and the disk that the options ask for. In a Cluster
 * every master is asked: those without writes answer at once.
 */
export async function awaitDurability({ connections, options }: Library, call: Call): Promise<void> {
  const { waitReplicas, waitAof, waitMs } = options;
  if (waitReplicas === 0 && !waitAof) return;
  const left = call.deadline - performance.now() - WAIT_LATENESS_MS;
  const ms = Math.max(1, Math.floor(Math.min(waitMs, left) * 0.95));
  try {
    if (waitAof) {
      const answers = await connections.onMasters((client) => client.call('waitaof', [1, waitReplicas, ms]), call);
      const isDone = ([local, remote]: [number, number]) => Number(local) >= 1 && Number(remote) >= waitReplicas;
      if (!(answers as [number, number][]).every(isDone))
        throw notDurable(`the disk of the server and ${waitReplicas} replicas`);
    } else {
      const answers = await connections.onMasters((client) => client.call('wait', [waitReplicas, ms]), call);
      if (!answers.every((replicas) => Number(replicas) >= waitReplicas)) throw notDurable(`${waitReplicas} replicas`);
    }
  } catch (error) {
    throw new TimelineError('TIMELINE_OUTCOME_UNKNOWN', messageOf(error), { outcome: 'unknown', cause: error });
  }
}

function notDurable(where: string): TimelineError {
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', `the write was applied but did not reach ${where} in time`, {
    outcome: 'unknown',
  });
}
