import type { Call, Write, WriteOutcome } from '../../src/adapter.js';
import { groupByTimeline, TimelineError } from '../../src/toolkit/index.js';
import {
  ENTRIES_PER_SCRIPT,
  encodeAppend,
  PlainRequest,
  parseOutcome,
  TIMELINES_PER_SCRIPT,
  type TimelineWrites,
} from './append-scripts.js';
import { chunkBySlot } from './connection/hash-slot.js';
import { messageOf, toTimelineError } from './errors.js';
import type { Library } from './library.js';
import type { Registry } from './registry.js';
import type { Retention } from './retention.js';
import { APPEND, APPEND_PLAIN } from './scripts.generated.js';

/** Redis checks the timeouts of WAIT and WAITAOF ten times a second: the answer is late by so many milliseconds. */
const WAIT_LATENESS_MS = 120;

/**
 * Nearly all writes are plain entries for Timelines that this process has written to before, and go by
 * `append-plain.lua`, which can do no more. All others, and those that this script leaves because something was not as
 * expected, go by `append.lua`. All writes of a call to one Timeline go by one script, so that none overtakes another
 * that has to be tried again.
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
    const outcomes = new Array<WriteOutcome>(writes.length);
    const work: Promise<unknown>[] = [];
    const others: TimelineWrites[] = [];
    const openRequests = new Map<number, PlainRequest>();
    for (const [id, indexes] of groupByTimeline(writes)) {
      const each = { timeline: this.#library.keys.of(id), indexes };
      const { isListed, slot } = each.timeline;
      const open = isListed ? openRequests.get(slot) : undefined;
      if (open?.add(each, writes)) continue;
      const next = new PlainRequest(this.#library.keys.cluster);
      if (!isListed || !next.add(each, writes)) {
        others.push(each);
        continue;
      }
      // The server works on a full request while the next one is filled.
      if (open) work.push(this.#appendPlain(writes, open, outcomes, call));
      openRequests.set(slot, next);
    }
    for (const request of openRequests.values()) work.push(this.#appendPlain(writes, request, outcomes, call));
    work.push(this.#appendOthers(writes, others, outcomes, call));
    await Promise.all(work);
    return outcomes;
  }

  async #appendPlain(
    writes: readonly Write[],
    request: PlainRequest,
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<void> {
    const { connections } = this.#library;
    const left = await this.#attempt(request.timelines, outcomes, async () => {
      const answer = await connections.write.script(APPEND_PLAIN, request.keys, request.args(this.#library), call);
      await awaitDurability(this.#library, call);
      return request.parseAnswer(answer as string, writes, outcomes);
    });
    if (!left?.length) return;
    // Their data have changed, so the registry may have lost them too.
    for (const { timeline } of left) timeline.isListed = false;
    await this.#appendOthers(writes, left, outcomes, call);
  }

  async #appendOthers(
    writes: readonly Write[],
    timelines: readonly TimelineWrites[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<void> {
    await this.#appendInChunks(writes, timelines, outcomes, call);
    if (this.#library.settings.ttlMs === undefined) return;
    const denied = timelines.filter(({ indexes }) => indexes.every((index) => isOutOfMemory(outcomes[index])));
    if (denied.length === 0) return;
    // Removing what has expired of these Timelines frees memory.
    const freed = await this.#retention.freeMemory(
      denied.map(({ timeline }) => timeline.id),
      call,
    );
    const again = denied.filter(({ timeline }) => freed.has(timeline.id));
    await this.#appendInChunks(writes, again, outcomes, call);
  }

  async #appendInChunks(
    writes: readonly Write[],
    timelines: readonly TimelineWrites[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<void> {
    const chunks = chunkBySlot(timelines, ({ timeline }) => timeline.slot, {
      items: TIMELINES_PER_SCRIPT,
      weight: ENTRIES_PER_SCRIPT,
      weightOf: ({ indexes }) => indexes.reduce((sum, index) => sum + (writes[index] as Write).entries.length, 0),
    });
    await Promise.all(chunks.map((chunk) => this.#appendChunk(writes, chunk, outcomes, call)));
  }

  #appendChunk(
    writes: readonly Write[],
    chunk: readonly TimelineWrites[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<unknown> {
    const { connections } = this.#library;
    return this.#attempt(chunk, outcomes, async () => {
      await this.#registry.add(
        chunk.map(({ timeline }) => timeline),
        call,
      );
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
    });
  }

  /** An error of the whole script is the outcome of every write in it. */
  async #attempt<T>(
    timelines: readonly TimelineWrites[],
    outcomes: WriteOutcome[],
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
}

function isOutOfMemory(outcome: WriteOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.error.code === 'TIMELINE_BUSY';
}

/**
 * Waits until the writes of this connection are on the replicas and the disk that the options ask for. In a Cluster
 * every master is asked: those without writes answer at once.
 */
async function awaitDurability({ connections, options }: Library, call: Call): Promise<void> {
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
