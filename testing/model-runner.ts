import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { isTimelineError } from '../src/errors.js';
import type { Cursor, Timeline, TimelineEntry, TimelineStore } from '../src/types.js';
import { succeeded } from './assertions.js';
import { Fixture } from './fixture.js';
import { clamp, expectedResult, type ModelRow, type ModelRules, ModelTimeline, type Result } from './model.js';
import { drawCommands, type ModelCommand, type RelativePosition, TIMELINES } from './model-commands.js';
import type { ConformanceOptions } from './options.js';
import { Random } from './random.js';
import { shrink } from './shrink.js';

export interface SequenceSettings {
  readonly expiring: boolean;
  /** Reopen on another adapter object, not on the same one. */
  readonly restart: boolean;
}

const COMMANDS = 40;

/** Runs random sequences on the adapter and the model; shrinks the first that differs and reports it with its seed. */
export async function runSequences(fixture: Fixture, runs: number, settings: SequenceSettings): Promise<void> {
  const { options } = fixture;
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  for (let run = 0; run < runs; run += 1) {
    const commands = drawCommands(new Random(seed + run), COMMANDS, fixture.capabilities, waits(fixture, settings));
    const difference = await findDifference(options, commands, settings);
    if (difference === undefined) continue;
    const shortest = await shrink(
      commands,
      async (candidate) => (await findDifference(options, candidate, settings)) !== undefined,
    );
    const why = (await findDifference(options, shortest, settings)) ?? difference;
    assert.fail(`seed ${seed + run} (run it again with \`seed: ${seed + run}, runs: 1\`): ${why}\n${list(shortest)}`);
  }
}

function waits(fixture: Fixture, { expiring }: SequenceSettings): number[] {
  const { keyWindowMs } = fixture.capabilities;
  return [
    1,
    17,
    ...(keyWindowMs ? [Math.ceil(keyWindowMs / 2) + 3] : []),
    ...(expiring ? [Math.ceil(fixture.ttlMs / 3) + 5, fixture.ttlMs + 7] : []),
  ];
}

const list = (commands: readonly ModelCommand[]) =>
  commands.map((command, index) => `  ${index + 1}. ${JSON.stringify(command)}`).join('\n');

/** Describes how store and model differ; undefined if they agree. Each sequence has its own data. */
async function findDifference(
  options: ConformanceOptions,
  commands: readonly ModelCommand[],
  settings: SequenceSettings,
): Promise<string | undefined> {
  const fixture = await Fixture.create(options);
  try {
    const player = await SequenceRunner.create(fixture, settings);
    for (const [index, command] of commands.entries()) {
      const difference = await player.play(command);
      if (difference !== undefined) return `command ${index + 1}, ${command.do}: ${difference}`;
    }
    return undefined;
  } finally {
    await fixture.dispose();
  }
}

/** Runs commands on a store and on the model, and compares the results. */
class SequenceRunner {
  readonly #fixture: Fixture;
  readonly #settings: SequenceSettings;
  readonly #models: ReadonlyMap<string, ModelTimeline>;
  #store: TimelineStore<string>;

  private constructor(fixture: Fixture, settings: SequenceSettings, store: TimelineStore<string>, rules: ModelRules) {
    this.#fixture = fixture;
    this.#settings = settings;
    this.#store = store;
    this.#models = new Map(TIMELINES.map((id) => [id, new ModelTimeline(rules)]));
  }

  static async create(fixture: Fixture, settings: SequenceSettings): Promise<SequenceRunner> {
    const { dense, keyWindowMs } = fixture.capabilities;
    const ttlMs = settings.expiring ? fixture.ttlMs : undefined;
    return new SequenceRunner(fixture, settings, await fixture.open({ name: 'model', ttlMs }), {
      dense,
      keyWindowMs,
      ttlMs,
    });
  }

  async play(command: ModelCommand): Promise<string | undefined> {
    this.#fixture.time += 1;
    const actual = await this.#run(command).catch((error: unknown): Result => {
      if (!isTimelineError(error)) throw error;
      return { error: error.code };
    });
    const expected = expectedResult(this.#models, command, actual, this.#fixture.time);
    return difference(this.#normalizeTruncation(actual, expected), expected) ?? this.#differenceInState();
  }

  /** A store with gaps need not know the last removed SeqId: any before the first kept one is equivalent. */
  #normalizeTruncation(actual: Result, expected: Result): Result {
    if (this.#fixture.capabilities.dense || !('rows' in actual && 'rows' in expected)) return actual;
    const { truncated, rows } = actual;
    if (truncated === undefined || expected.truncated === undefined || truncated < expected.truncated) return actual;
    const first = rows.reduce((least, { seqId }) => (seqId < least ? seqId : least), truncated + 1n);
    return truncated < first ? { ...actual, truncated: expected.truncated } : actual;
  }

  /** A command may return the right result and leave a wrong state. */
  async #differenceInState(): Promise<string | undefined> {
    const pages = await this.#store.readBatch(TIMELINES.map((timeline) => ({ timeline, after: 0n, limit: 10_000 })));
    for (const [index, page] of pages.entries()) {
      const actual = { rows: page.entries.map(row), truncated: page.truncated?.through };
      const expected = this.#models.get(TIMELINES[index]!)!.read(0n, undefined, 10_000, false, this.#fixture.time);
      const found = difference(this.#normalizeTruncation(actual, expected), expected);
      if (found !== undefined) return `a read from 0n of Timeline ${TIMELINES[index]} then differs: ${found}`;
    }
    return undefined;
  }

  async #run(command: ModelCommand): Promise<Result> {
    switch (command.do) {
      case 'append': {
        const { timeline, body, key, manual, expected } = command;
        const seqId = manual === undefined ? undefined : clamp(this.#last(timeline) + BigInt(manual), 1n);
        return {
          appended: [
            brief(
              await this.#timeline(timeline).append(body, {
                key,
                seqId,
                expectedLast: this.#expected(timeline, expected),
              }),
            ),
          ],
        };
      }
      case 'appendMany': {
        const { timeline, bodies, keys, expected } = command;
        const results = await this.#timeline(timeline).appendMany(bodies, {
          keys,
          expectedLast: this.#expected(timeline, expected),
        });
        return { appended: results.map(brief) };
      }
      case 'appendToMany': {
        const outcomes = await this.#store.appendToMany(command.timelines, command.body, { key: command.key });
        return {
          appended: outcomes.map((outcome) => (outcome.ok ? brief(succeeded(outcome)) : { error: outcome.error.code })),
        };
      }
      case 'read':
        return this.#read(command);
      case 'count': {
        const { timeline, after, before, atMost } = command;
        const place = (at: RelativePosition | undefined) => (at === undefined ? undefined : this.#at(timeline, at));
        const count = await this.#timeline(timeline).count({ after: place(after), before: place(before), atMost });
        return { count };
      }
      case 'heads':
        return {
          heads: (await this.#store.heads(TIMELINES)).map(({ firstSeqId, lastSeqId }) => ({ firstSeqId, lastSeqId })),
        };
      case 'update': {
        const { timeline, at, body, ifRevision } = command;
        return {
          updated: row(await this.#timeline(timeline).update(this.#entryAt(timeline, at), body, { ifRevision })),
        };
      }
      case 'delete':
        return done(this.#timeline(command.timeline).delete(this.#entryAt(command.timeline, command.at)));
      case 'trim':
        return done(this.#timeline(command.timeline).trim({ through: this.#at(command.timeline, command.through) }));
      case 'keepLast':
        return done(this.#timeline(command.timeline).trim({ keepLast: command.count }));
      case 'advance': {
        const { timeline, reader, to } = command;
        return { position: seqIdOf(await this.#timeline(timeline).checkpoint(reader).advance(this.#at(timeline, to))) };
      }
      case 'reset': {
        const checkpoint = this.#timeline(command.timeline).checkpoint(command.reader);
        await checkpoint.reset(command.to === undefined ? undefined : this.#at(command.timeline, command.to));
        return { position: seqIdOf(await checkpoint.get()) };
      }
      case 'wait':
        this.#fixture.time += command.ms;
        return { done: true };
      case 'reopen': {
        const { name } = this.#store;
        const options = { name, ttlMs: this.#settings.expiring ? this.#fixture.ttlMs : undefined };
        await this.#store.close();
        this.#store = await (this.#settings.restart ? this.#fixture.reopen(options) : this.#fixture.open(options));
        return { done: true };
      }
    }
  }

  /** Pages may be short, so reads on until the limit or the end. */
  async #read(command: Extract<ModelCommand, { do: 'read' }>): Promise<Result> {
    const { timeline, limit, reverse } = command;
    let after: Cursor | bigint | undefined =
      command.after === undefined ? undefined : this.#at(timeline, command.after);
    let before: Cursor | bigint | undefined =
      command.before === undefined ? undefined : this.#at(timeline, command.before);
    const rows: ModelRow[] = [];
    let truncated: bigint | undefined;
    for (let pages = 0; ; pages += 1) {
      const page = await this.#timeline(timeline).read({ after, before, limit: limit - rows.length, reverse });
      rows.push(...page.entries.map(row));
      if (pages === 0) truncated = page.truncated?.through;
      if (page.upToDate || rows.length >= limit) return { rows, truncated };
      if (reverse) before = page.next;
      else after = page.next;
    }
  }

  #timeline(id: string): Timeline<string> {
    return this.#store.timeline(id);
  }

  #last(id: string): bigint {
    return this.#models.get(id)!.last;
  }

  #at(id: string, place: RelativePosition): bigint {
    return this.#models.get(id)!.at(place);
  }

  #entryAt(id: string, place: RelativePosition): bigint {
    return clamp(this.#at(id, place), 1n);
  }

  #expected(id: string, distance: number | undefined): bigint | undefined {
    return distance === undefined ? undefined : clamp(this.#last(id) + BigInt(distance), 0n);
  }
}

function difference(actual: Result, expected: Result): string | undefined {
  if (isDeepStrictEqual(actual, expected)) return undefined;
  return `the store says ${show(actual)}, the contract ${show(expected)}`;
}

const brief = ({ seqId, duplicate }: { seqId: bigint; duplicate: boolean }) => ({ seqId, duplicate });

const row = ({ seqId, appendedAt, message, revision, deleted }: TimelineEntry<string>): ModelRow => ({
  seqId,
  at: appendedAt,
  body: deleted ? undefined : message,
  revision,
});

const done = async (call: Promise<void>): Promise<Result> => {
  await call;
  return { done: true };
};

/** A cursor ends in its SeqId; no cursor means 0n. */
const seqIdOf = (cursor: Cursor | undefined): bigint => BigInt(cursor?.split('.').at(-1) ?? 0);

const show = (result: Result) => inspect(result, { breakLength: Number.POSITIVE_INFINITY, depth: 4 });
