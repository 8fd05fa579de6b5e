import {
  checkCount,
  checkSeqId,
  describeValue,
  invalidArgument,
  isThenable,
  withinUserTime,
} from '../src/toolkit/index.js';
import { checkMode } from './modes/diffusion.js';
import type { Authorize, Diffusion, Directory, Listing, Membership } from './types.js';

/**
 * Wraps the caller's directory and checks its answers. An answer, or an item of a list, that takes longer than `ms`, by
 * default 30 seconds, is `TIMELINE_UNAVAILABLE`. One of another shape is `TIMELINE_INVALID_ARGUMENT` with the callback
 * as `argument`.
 */
export function guardDirectory(directory: Directory, ms: number | undefined): Directory {
  return {
    members: (conversation, options) =>
      listed('directory.members', ms, () => directory.members(conversation, options), checkMember),
    conversations: (user) =>
      collected('directory.conversations', ms, () => directory.conversations(user), checkMembership),
    ...(directory.size && {
      size: async (conversation) => {
        const size = await answered('directory.size', ms, directory.size?.(conversation));
        return checkCount(size, 'directory.size', { least: 0 });
      },
    }),
    ...(directory.rebase && {
      rebase: async (conversation, lost) => {
        await answered('directory.rebase', ms, directory.rebase?.(conversation, lost));
      },
    }),
    ...(directory.apply && {
      apply: async (conversation, change) => {
        await answered('directory.apply', ms, directory.apply?.(conversation, change));
      },
    }),
    ...(directory.refresh && {
      refresh: async (conversation) => {
        await answered('directory.refresh', ms, directory.refresh?.(conversation));
      },
    }),
    ...(directory.isMember && {
      isMember: async (conversation, user, at) => {
        const answer = await answered('directory.isMember', ms, directory.isMember?.(conversation, user, at));
        if (typeof answer !== 'boolean')
          throw invalidArgument('directory.isMember', `must answer true or false, not ${describeValue(answer)}`);
        return answer;
      },
    }),
    ...(directory.visibleAfter && {
      visibleAfter: async (conversation, user, at) => {
        const after = await answered('directory.visibleAfter', ms, directory.visibleAfter?.(conversation, user, at));
        return after === undefined ? undefined : checkSeqId(after, 'directory.visibleAfter', 0n);
      },
    }),
    ...(directory.visibleFrom && {
      visibleFrom: async (conversation, user, at) => {
        const from = await answered('directory.visibleFrom', ms, directory.visibleFrom?.(conversation, user, at));
        return from === undefined ? undefined : checkSeqId(from, 'directory.visibleFrom', 0n);
      },
    }),
    ...(directory.compact && {
      compact: async (conversation, options) => {
        await answered('directory.compact', ms, directory.compact?.(conversation, options));
      },
    }),
  };
}

/** Wraps the caller's diffusion, with the same errors as {@link guardDirectory}. */
export function guardDiffusion(diffusion: Diffusion, ms: number | undefined): Diffusion {
  const { modes } = diffusion;
  return {
    modes,
    async choose(about) {
      const mode = checkMode(await answered('diffusion.choose', ms, diffusion.choose(about)), 'diffusion.choose');
      if (!modes.includes(mode))
        throw invalidArgument('diffusion.choose', `answered '${mode}', which is not one of its modes`);
      return mode;
    },
  };
}

/** Wraps the caller's authorization, with the same errors as {@link guardDirectory}. */
export function guardAuthorize(authorize: Authorize, ms: number | undefined): Authorize {
  return async (action) => {
    const answer = await answered('authorize', ms, authorize(action));
    if (typeof answer !== 'boolean')
      throw invalidArgument('authorize', `must answer true or false, not ${describeValue(answer)}`);
    return answer;
  };
}

async function answered(name: string, ms: number | undefined, answer: unknown): Promise<unknown> {
  return isThenable(answer) ? withinUserTime(answer, name, ms) : answer;
}

/** Returns the checked items of the caller's list at once: a user may be in thousands of conversations. */
async function collected<T>(
  name: string,
  ms: number | undefined,
  list: () => Listing<T>,
  check: (item: unknown, name: string) => T,
): Promise<readonly T[]> {
  const items: unknown = await answered(name, ms, list());
  const found: T[] = [];
  if (Array.isArray(items) || items instanceof Set)
    for (const item of items) found.push(check(isThenable(item) ? await answered(name, ms, item) : item, name));
  else for await (const item of listed(name, ms, () => items as Listing<T>, check)) found.push(item);
  return found;
}

/** Yields the checked items of the caller's list one by one. */
async function* listed<T>(
  name: string,
  ms: number | undefined,
  list: () => Listing<T>,
  check: (item: unknown, name: string) => T,
): AsyncGenerator<T, void, undefined> {
  const items: unknown = await answered(name, ms, list());
  if (typeof items !== 'object' || items === null)
    throw invalidArgument(name, `must give a list, not ${describeValue(items)}`);
  if (Symbol.asyncIterator in items) yield* awaited(name, ms, items as AsyncIterable<unknown>, check);
  else if (Symbol.iterator in items) {
    for (const item of items as Iterable<unknown>)
      yield check(isThenable(item) ? await answered(name, ms, item) : item, name);
  } else throw invalidArgument(name, `must give a list, not ${describeValue(items)}`);
}

async function* awaited<T>(
  name: string,
  ms: number | undefined,
  items: AsyncIterable<unknown>,
  check: (item: unknown, name: string) => T,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let isOpen = true;
  try {
    for (;;) {
      const step = (await answered(name, ms, iterator.next())) as IteratorResult<unknown>;
      if (typeof step !== 'object' || step === null)
        throw invalidArgument(name, `must give a list, not one of ${describeValue(step)}`);
      isOpen = step.done !== true;
      if (!isOpen) return;
      yield check(step.value, name);
    }
  } finally {
    // Not awaited: `return` of a generator that hangs does not resolve either.
    if (isOpen) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

function checkMember(item: unknown, name: string): string {
  if (typeof item !== 'string') throw invalidArgument(name, `must give names of users, not ${describeValue(item)}`);
  return item;
}

function checkMembership(item: unknown, name: string): string | Membership {
  if (typeof item === 'string' && item !== '') return item;
  const { conversation, joinedAt, from, epoch } = (item ?? {}) as Partial<Membership>;
  if (typeof item !== 'object' || typeof conversation !== 'string' || conversation === '') {
    throw invalidArgument(name, `must give names of conversations or memberships, not ${describeValue(item)}`);
  }
  return {
    conversation,
    joinedAt: checkSeqId(joinedAt, `${name}: joinedAt`, 0n),
    from: checkSeqId(from, `${name}: from`, 0n),
    ...(epoch !== undefined && { epoch }),
  };
}
