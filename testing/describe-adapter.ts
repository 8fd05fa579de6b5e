import assert from 'node:assert/strict';
import type { LawGroup, TestBody } from './law-group.js';
import { LAWS } from './laws/index.js';
import { type Capability, checkReadOnly, checkRefusal, has, isGiven, isOption, type Need } from './needs.js';
import type { ConformanceOptions, Law, Runner } from './options.js';
import { World } from './world.js';

/**
 * Proves an adapter: defines one group of tests for each law of the Timeline contract with whatever runner is given.
 *
 * A capability that the adapter declares as absent does not make its tests pass: they check that its use is refused. What an
 * option of the kit would be needed for is not defined at all. Both are listed by the last test and noted by `log`.
 */
export function describeAdapter(runner: Runner, options: ConformanceOptions): void {
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

interface Test {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The tests of a group that can be defined with these options; some runners refuse a group that is empty. */
function collect(group: LawGroup, options: ConformanceOptions, report: Report): Test[] {
  const tests: Test[] = [];
  group.define((name: string, ...rest: [TestBody] | [readonly Need[], TestBody]) => {
    const [needs, body]: [readonly Need[], TestBody] = rest.length === 1 ? [[], rest[0]] : rest;
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
  const world = await World.create(options);
  try {
    await runOrRefuse(world, needs, body, skip);
  } finally {
    await world.dispose();
  }
}

async function runOrRefuse(
  world: World,
  needs: readonly Capability[],
  run: TestBody,
  skip: (why: string) => void,
): Promise<void> {
  const absent = needs.find((need) => !has(world.capabilities, need));
  if (world.capabilities.readOnly) {
    await checkReadOnly(world);
    skip('the library is read-only; its writes are refused');
  } else if (absent) {
    await checkRefusal(world, absent);
    skip(`the adapter declares that it has no \`${absent}\`; it keeps to that`);
  } else {
    await run(world);
  }
}

/** What was left out and why; each reason is noted once for each group. */
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
