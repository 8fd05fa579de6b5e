import type { Capabilities } from '../src/adapter.js';
import type { Random } from './random.js';

/**
 * A position in a Timeline as a fraction of all entries ever appended: 0 is before the first, just below 1 beyond the
 * tail. So a command is valid in any state, even after shrinking has removed earlier commands.
 */
export type RelativePosition = number;

/** One step of a random sequence: plain data, to print and run again. */
export type ModelCommand =
  | {
      readonly do: 'append';
      readonly timeline: string;
      readonly body: string;
      readonly key?: string | undefined;
      /** Distance from the last SeqId. */
      readonly manual?: number | undefined;
      /** Distance of `expectedLast` from the last SeqId. */
      readonly expected?: number | undefined;
    }
  | {
      readonly do: 'appendMany';
      readonly timeline: string;
      readonly bodies: readonly string[];
      readonly keys?: readonly string[] | undefined;
      readonly expected?: number | undefined;
    }
  | {
      readonly do: 'appendToMany';
      readonly timelines: readonly string[];
      readonly body: string;
      readonly key?: string | undefined;
    }
  | {
      readonly do: 'read';
      readonly timeline: string;
      readonly after?: RelativePosition | undefined;
      readonly before?: RelativePosition | undefined;
      readonly limit: number;
      readonly reverse: boolean;
    }
  | {
      readonly do: 'count';
      readonly timeline: string;
      readonly after?: RelativePosition | undefined;
      readonly before?: RelativePosition | undefined;
      readonly atMost?: number | undefined;
    }
  | { readonly do: 'heads' }
  | {
      readonly do: 'update';
      readonly timeline: string;
      readonly at: RelativePosition;
      readonly body: string;
      readonly ifRevision?: number | undefined;
    }
  | { readonly do: 'delete'; readonly timeline: string; readonly at: RelativePosition }
  | { readonly do: 'trim'; readonly timeline: string; readonly through: RelativePosition }
  | { readonly do: 'keepLast'; readonly timeline: string; readonly count: number }
  | { readonly do: 'advance'; readonly timeline: string; readonly reader: string; readonly to: RelativePosition }
  | {
      readonly do: 'reset';
      readonly timeline: string;
      readonly reader: string;
      readonly to?: RelativePosition | undefined;
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reopen' };

export const TIMELINES = ['a', 'b', 'c'] as const;
const READERS = ['phone', 'tablet'];

/** Draws random commands that the adapter supports; `waits` are the possible waits in milliseconds. */
export function drawCommands(
  random: Random,
  count: number,
  capabilities: Capabilities,
  waits: readonly number[],
): ModelCommand[] {
  const kinds = weighted(capabilities);
  return random.list(count, () => draw(random, random.pick(kinds), capabilities, waits));
}

function weighted(capabilities: Capabilities): ModelCommand['do'][] {
  const kinds: [ModelCommand['do'], number, boolean][] = [
    ['append', 10, true],
    ['appendMany', 4, capabilities.atomicBatch > 1],
    ['appendToMany', 3, true],
    ['read', 10, true],
    ['count', 3, true],
    ['heads', 3, true],
    ['update', 4, capabilities.update],
    ['delete', 3, capabilities.delete],
    ['trim', 2, capabilities.trim],
    ['keepLast', 2, capabilities.trim],
    ['advance', 3, capabilities.checkpoints],
    ['reset', 1, capabilities.checkpoints],
    ['wait', 3, true],
    ['reopen', 1, true],
  ];
  return kinds.flatMap(([kind, weight, possible]) => new Array<ModelCommand['do']>(possible ? weight : 0).fill(kind));
}

function draw(
  random: Random,
  kind: ModelCommand['do'],
  capabilities: Capabilities,
  waits: readonly number[],
): ModelCommand {
  const timeline = random.pick(TIMELINES);
  const body = () => `body ${random.below(4)}`;
  const key = () => `key ${random.below(8)}`;
  const keyed = capabilities.keyWindowMs !== 0 && random.chance(0.4);
  const expected = capabilities.expectedLast && random.chance(0.2) ? random.pick([0, 0, -1, 1]) : undefined;
  const place = () => random.next();
  const maybe = (probability: number) => (random.chance(probability) ? place() : undefined);
  switch (kind) {
    case 'append': {
      const manual = capabilities.manualIds && random.chance(0.15) ? random.pick([-1, 0, 1, 1, 7]) : undefined;
      return { do: kind, timeline, body: body(), key: keyed ? key() : undefined, manual, expected };
    }
    case 'appendMany': {
      const length = 1 + random.below(Math.min(4, capabilities.atomicBatch));
      return {
        do: kind,
        timeline,
        bodies: random.list(length, body),
        keys: keyed ? random.list(length, key) : undefined,
        expected,
      };
    }
    case 'appendToMany':
      return {
        do: kind,
        timelines: random.list(1 + random.below(4), () => random.pick(TIMELINES)),
        body: body(),
        key: keyed ? key() : undefined,
      };
    case 'read':
      return {
        do: kind,
        timeline,
        after: maybe(0.6),
        before: maybe(0.4),
        limit: random.pick([1, 2, 3, 5, 100]),
        reverse: random.chance(0.4),
      };
    case 'count':
      return {
        do: kind,
        timeline,
        after: maybe(0.6),
        before: maybe(0.4),
        atMost: random.pick([undefined, 1, 2, 5]),
      };
    case 'heads':
    case 'reopen':
      return { do: kind };
    case 'update':
      return {
        do: kind,
        timeline,
        at: place(),
        body: body(),
        ifRevision: random.chance(0.4) ? random.below(3) : undefined,
      };
    case 'delete':
      return { do: kind, timeline, at: place() };
    case 'trim':
      return { do: kind, timeline, through: place() };
    case 'keepLast':
      return { do: kind, timeline, count: random.below(6) };
    case 'advance':
      return { do: kind, timeline, reader: random.pick(READERS), to: place() };
    case 'reset':
      return { do: kind, timeline, reader: random.pick(READERS), to: maybe(0.7) };
    case 'wait':
      return { do: kind, ms: random.pick(waits) };
  }
}
