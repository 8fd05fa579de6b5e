import assert from 'node:assert/strict';
import { checkFields, type OptionNames } from '../src/options.js';
import { Fixture } from './fixture.js';
import type { LawGroup, TestBody } from './law-group.js';
import { LAWS } from './laws/index.js';
import {
  type Capability,
  checkReadOnly,
  checkRefusal,
  hasCapability,
  isGiven,
  isOption,
  type Requirement,
} from './needs.js';
import type { ConformanceOptions, Law, Runner } from './options.js';

/**
 * Proves an adapter: defines one group of tests for each law of the Timeline contract with the given runner.
 *
 * If the adapter declares a capability as absent, its tests check that its use is refused. Tests that need an option of
 * the kit are not defined without it. The last test lists both, and `log` reports them.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test';
 *
 * describeAdapter({ describe, it }, { name: 'minimal', create: () => minimalAdapter() });
 * ```
 */
export function describeAdapter(runner: Runner, options: ConformanceOptions): void {
  checkFields(options, OPTION_NAMES);
  const report = new Report(options);
  runner.describe(`${options.name} keeps the Timeline contract`, () => {
    for (const group of LAWS) {
      if (options.laws && !options.laws.includes(group.law)) continue;
      const tests = collect(group, options, report);
      if (tests.length === 0) continue;
      runner.describe(`${group.law}: ${group.promise}`, () => {
        for (const { name, run } of tests) runner.it(name, run);
      });
    }
    runner.it('reports what was skipped', async () => report.conclude());
  });
}

const OPTION_NAMES: OptionNames<ConformanceOptions> = {
  ...{ name: true, create: true, destroy: true, reopen: true, fork: true, physicalEntries: true },
  ...{ silence: true, stall: true, laws: true, seed: true, eachNthRange: true, runs: true, log: true },
};

interface Test {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Collects the tests that these options allow, because some runners refuse an empty group. */
function collect(group: LawGroup, options: ConformanceOptions, report: Report): Test[] {
  const tests: Test[] = [];
  group.define((name: string, ...rest: [TestBody] | [readonly Requirement[], TestBody]) => {
    const [needs, body]: [readonly Requirement[], TestBody] = rest.length === 1 ? [[], rest[0]] : rest;
    const option = needs.filter(isOption).find((need) => !isGiven(need, options));
    if (option) return report.skip(group.law, `the option \`${option}\` is not given`);
    const capabilities = needs.filter((need): need is Capability => !isOption(need));
    tests.push({ name, run: () => runOnce(options, capabilities, body, (why) => report.skip(group.law, why)) });
  });
  report.defined += tests.length;
  return tests;
}

async function runOnce(
  options: ConformanceOptions,
  needs: readonly Capability[],
  body: TestBody,
  skip: (why: string) => void,
): Promise<void> {
  const fixture = await Fixture.create(options);
  try {
    await runOrRefuse(fixture, needs, body, skip);
  } finally {
    await fixture.dispose();
  }
}

async function runOrRefuse(
  fixture: Fixture,
  needs: readonly Capability[],
  run: TestBody,
  skip: (why: string) => void,
): Promise<void> {
  const absent = needs.find((need) => !hasCapability(fixture.capabilities, need));
  if (fixture.capabilities.readOnly) {
    await checkReadOnly(fixture);
    skip('the library is read-only; its writes are refused');
  } else if (absent) {
    await checkRefusal(fixture, absent);
    skip(`the adapter declares no \`${absent}\`, and refuses its use`);
  } else {
    await run(fixture);
  }
}

/** Records skipped tests and why; logs each reason once per group. */
class Report {
  defined = 0;
  readonly #skipped = new Map<string, number>();
  readonly #options: ConformanceOptions;

  constructor(options: ConformanceOptions) {
    this.#options = options;
  }

  skip(law: Law, why: string): void {
    const line = `${law}: ${why}`;
    if (!this.#skipped.has(line)) this.#log(`skipped in ${line}`);
    this.#skipped.set(line, (this.#skipped.get(line) ?? 0) + 1);
  }

  conclude(): void {
    for (const [line, count] of this.#skipped)
      this.#log(`${count} ${count === 1 ? 'test' : 'tests'} skipped in ${line}`);
    if (this.#skipped.size === 0) this.#log('nothing was skipped');
    assert.ok(this.defined > 0, 'no test was defined: do `laws` name any?');
  }

  #log(line: string): void {
    const log = this.#options.log ?? console.log;
    log(`${this.#options.name}: ${line}`);
  }
}
