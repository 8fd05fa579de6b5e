import { type ConformanceOptions, describeAdapter } from '../../testing/index.js';

export interface Collected {
  readonly group: string;
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Collects the tests that the kit defines with these options, and runs none of them. The last one is the report. */
export function collect(options: Omit<ConformanceOptions, 'name'>): Collected[] {
  const tests: Collected[] = [];
  let group = '';
  const runner = {
    describe(name: string, define: () => void) {
      group = name;
      define();
    },
    it: (name: string, run: () => Promise<void>) => tests.push({ group, name, run }),
  };
  describeAdapter(runner, { name: 'collected', log: () => {}, seed: 7, ...options });
  return tests;
}

export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** The first test that fails, one after another; `undefined` if all pass. */
export async function firstFailure(tests: readonly Collected[]): Promise<Failure | undefined> {
  for (const { name, run } of tests) {
    try {
      await run();
    } catch (error) {
      return { name, message: error instanceof Error ? error.message : String(error) };
    }
  }
  return undefined;
}
