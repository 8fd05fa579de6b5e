import type { AdapterLibrary, Call, LibraryClock, LibraryOptions } from '../../src/adapter.js';
import { AcceptedClock } from '../../src/clock.js';

/** For calls of an adapter without the core: as long as a test may take. */
export function anyCall(budgetMs = 60_000): Call {
  return { deadline: performance.now() + budgetMs };
}

/** A clock that is what the test says. */
export function trusting(now: () => number): LibraryClock {
  return new AcceptedClock({ now, toleranceMs: Number.POSITIVE_INFINITY, warn: () => {} });
}

/** Options to open a library of an adapter without the core. */
export function openingOptions(name: string, options: Partial<LibraryOptions> = {}): LibraryOptions {
  return { name, alter: false, clock: trusting(Date.now), warn: () => {}, ...options };
}

type Uncalled<Method> = Method extends (...args: [...infer Rest, Call]) => infer Result
  ? (...args: Rest) => Result
  : Method;

type UpdateArguments = [
  timeline: string,
  seqId: bigint,
  payload: Parameters<NonNullable<AdapterLibrary['update']>>[2],
  ifRevision?: number,
];

/** A library whose methods need not be told of a call. */
export type DirectLibrary = {
  readonly [Name in Exclude<keyof AdapterLibrary, 'update' | 'checkpoints'>]-?: Uncalled<
    NonNullable<AdapterLibrary[Name]>
  >;
} & {
  update(...args: UpdateArguments): ReturnType<NonNullable<AdapterLibrary['update']>>;
  readonly checkpoints: {
    readonly [Name in keyof NonNullable<AdapterLibrary['checkpoints']>]: Uncalled<
      NonNullable<AdapterLibrary['checkpoints']>[Name]
    >;
  };
};

/** Arguments of each method before the call. */
const ARITY = {
  append: 1,
  read: 1,
  heads: 1,
  update: 4,
  delete: 2,
  trim: 2,
  timelines: 1,
  close: 0,
  get: 1,
  advance: 1,
  reset: 1,
};

/** `budgetMs`: what each call has. Default: a minute. */
export function direct(library: AdapterLibrary, budgetMs?: number): DirectLibrary {
  return withCalls(library, () => anyCall(budgetMs)) as unknown as DirectLibrary;
}

function withCalls<T extends object>(target: T, newCall: () => Call): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'checkpoints' && value) return withCalls(value as object, newCall);
      if (typeof value !== 'function') return value;
      const arity = ARITY[name as keyof typeof ARITY];
      if (arity === undefined) return value.bind(target);
      return (...args: unknown[]) => {
        const given = Array.from({ length: arity }, (__, i) => args[i]);
        return value.apply(target, [...given, newCall()]);
      };
    },
  });
}
