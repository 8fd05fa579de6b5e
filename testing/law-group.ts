import type { Need } from './needs.js';
import type { Law } from './options.js';
import type { World } from './world.js';

/** A law and the tests that hold an adapter to it. */
export interface LawGroup {
  readonly law: Law;
  readonly promise: string;
  readonly define: (test: DefineTest) => void;
}

export type TestBody = (world: World) => Promise<void>;

/** Defines a test. With `needs` it runs where all of them are there; else it checks that what is absent is refused. */
export interface DefineTest {
  (name: string, run: TestBody): void;
  (name: string, needs: readonly Need[], run: TestBody): void;
}

export function law(name: Law, promise: string, define: (test: DefineTest) => void): LawGroup {
  return { law: name, promise, define };
}
