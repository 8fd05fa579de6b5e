import type { Nullable } from '../../src/index.js';
import {
  checkCount,
  checkFunction,
  checkOptions,
  describeValue,
  invalidArgument,
  type OptionNames,
} from '../../src/toolkit/index.js';
import type { Audience, Diffusion, Mode } from '../types.js';

/** Copies every message to each member's inbox: many writes, one read. For small conversations. */
export function writeDiffusion(): Diffusion {
  return { modes: ['write'], choose: () => 'write' };
}

/** Writes every message once; each device reads the conversations with new entries. For large conversations. */
export function readDiffusion(): Diffusion {
  return { modes: ['read'], choose: () => 'read' };
}

const HYBRID: OptionNames<HybridOptions> = { writeUpTo: true, writeBelow: true, overrides: true, policy: true };

/** Options of {@link hybridDiffusion}; all have defaults. */
export interface HybridOptions {
  /** Members up to which a conversation stays in write mode. Default 500. */
  readonly writeUpTo?: number | undefined;
  /** Members below which a conversation returns to write mode. Default 300, or `writeUpTo` if that is less. */
  readonly writeBelow?: number | undefined;
  /** Fixed modes of single conversations, whatever their size. */
  readonly overrides?: Readonly<Record<string, Mode>> | undefined;
  /** Asked before overrides and sizes; `undefined` leaves the choice to them. */
  readonly policy?: ((about: Audience) => Mode | undefined | Promise<Mode | undefined>) | undefined;
}

/**
 * Chooses the mode of each conversation by its size. The gap between the two bounds prevents frequent changes.
 *
 * @example
 * hybridDiffusion({ writeUpTo: 200, overrides: { 'channel:news': 'read' } });
 */
export function hybridDiffusion(given?: Nullable<HybridOptions> | null): Diffusion {
  const options = checkOptions(given, HYBRID);
  const { overrides, policy } = options;
  const writeUpTo = checkCount(options.writeUpTo ?? 500, 'writeUpTo', { least: 0 });
  const writeBelow = checkCount(options.writeBelow ?? Math.min(300, writeUpTo), 'writeBelow', { least: 0 });
  if (writeBelow > writeUpTo) throw invalidArgument('writeBelow', `must not exceed writeUpTo, ${writeUpTo}`);
  checkFunction(policy, 'policy');
  for (const [conversation, mode] of Object.entries(overrides ?? {}))
    checkMode(mode, `overrides[${describeValue(conversation)}]`);
  return {
    modes: ['write', 'read'],
    async choose(about) {
      const decided = await policy?.(about);
      if (decided !== undefined) return checkMode(decided, 'policy');
      if (overrides && Object.hasOwn(overrides, about.conversation)) return overrides[about.conversation] as Mode;
      if (about.mode === 'write') return (await about.size(writeUpTo + 1)) > writeUpTo ? 'read' : 'write';
      return (await about.size(writeBelow)) < writeBelow ? 'write' : 'read';
    },
  };
}

export function checkMode(mode: unknown, argument: string): Mode {
  if (mode !== 'write' && mode !== 'read')
    throw invalidArgument(argument, `must be 'write' or 'read', not ${describeValue(mode)}`);
  return mode;
}
