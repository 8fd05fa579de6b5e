import type { Fixture } from './fixture.js';
import type { Requirement } from './needs.js';
import type { Law } from './options.js';

/** A law and its tests. */
export interface LawGroup {
  readonly law: Law;
  readonly promise: string;
  readonly define: (test: DefineTest) => void;
}

export type TestBody = (fixture: Fixture) => Promise<void>;

/** Defines a test. It runs if all `needs` are present; otherwise it checks that the absent capability is refused. */
export interface DefineTest {
  (name: string, run: TestBody): void;
  (name: string, needs: readonly Requirement[], run: TestBody): void;
}

export function law(name: Law, promise: string, define: (test: DefineTest) => void): LawGroup {
  return { law: name, promise, define };
}
