import { Random } from '../../../testing/random.js';
import { shrink } from '../../../testing/shrink.js';
import type { Family } from './families.js';
import { Player } from './player.js';
import { type Command, drawScenario, type Scenario } from './scenario.js';
import { Verdict } from './verdict.js';
import { within } from './within.js';
import { World } from './world.js';

export interface Run {
  readonly violations: readonly string[];
  /** The events of the run, in order. */
  readonly trace: readonly string[];
  readonly crashes: number;
  readonly steps: number;
  readonly resyncs: number;
  readonly repeats: number;
  readonly restarts: number;
  readonly signals: number;
  readonly receipts: number;
}

/** Plays a scenario to its end; the same seed makes the same choices on the way. */
export async function run(family: Family, { setting, commands }: Scenario, seed: number): Promise<Run> {
  const world = await World.create(family, setting, new Random(seed));
  const player = new Player(world);
  const violations: string[] = [];
  try {
    for (const command of commands) await player.play(command);
    await player.finish();
    const verdict = await Verdict.of(world, player);
    violations.push(...player.violations, ...verdict.violations);
  } catch (error) {
    violations.push(...player.violations, error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await within('the end of a run', world.dispose());
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return {
    violations,
    trace: world.trace,
    crashes: world.crashes,
    steps: sum(world.hosts.map(({ gate }) => gate.steps)),
    resyncs: sum(player.clients.map(({ resyncs }) => resyncs)),
    repeats: sum(player.clients.map(({ repeats }) => repeats)),
    restarts: sum(player.clients.map(({ restarts }) => restarts)),
    signals: player.signals.heard.length,
    receipts: sum(player.clients.map(({ receipts }) => receipts.length)),
  };
}

const LENGTH = 80;

/** Runs one seed. On failure, the error has the shortest list of commands found that still fails. */
export async function simulate(family: Family, seed: number, isPlanOnly: boolean): Promise<Run> {
  const scenario = drawScenario(seed, LENGTH, { isPlanOnly });
  const result = await run(family, scenario, seed);
  if (result.violations.length === 0) return result;
  let last = result;
  const fails = async (commands: readonly Command[]) => {
    const next = await run(family, { ...scenario, commands }, seed);
    if (next.violations.length > 0) last = next;
    return next.violations.length > 0;
  };
  const commands = await shrink(scenario.commands, fails);
  const lines = commands.map((command, i) => `  ${i + 1}. ${JSON.stringify(command)}`);
  throw new Error(
    [
      `${family.name}, seed ${seed}:`,
      ...last.violations.slice(0, 10),
      JSON.stringify(scenario.setting),
      ...lines,
      ...last.trace,
    ].join('\n'),
  );
}

export interface Totals {
  seeds: number;
  crashes: number;
  resyncs: number;
  repeats: number;
  /** Devices that began again after they were forgotten. */
  restarts: number;
  /** Signals that devices heard. */
  signals: number;
  /** Receipts that devices got. */
  receipts: number;
  failures: string[];
}

/** Worlds that run at once; they mostly wait. */
const AT_ONCE = 4;

/** Runs `count` seeds, or until `mostFailures` have failed. */
export async function simulateMany(
  family: Family,
  first: number,
  count: number,
  { mostFailures = 1, isPlanOnly = false } = {},
): Promise<Totals> {
  const totals: Totals = {
    seeds: 0,
    crashes: 0,
    resyncs: 0,
    repeats: 0,
    restarts: 0,
    signals: 0,
    receipts: 0,
    failures: [],
  };
  let next = first;
  const workers = Array.from({ length: AT_ONCE }, async () => {
    while (next < first + count && totals.failures.length < mostFailures) {
      try {
        const { crashes, resyncs, repeats, restarts, signals, receipts } = await simulate(family, next++, isPlanOnly);
        totals.crashes += crashes;
        totals.resyncs += resyncs;
        totals.repeats += repeats;
        totals.restarts += restarts;
        totals.signals += signals;
        totals.receipts += receipts;
      } catch (error) {
        totals.failures.push(error instanceof Error ? error.message : String(error));
      }
      totals.seeds++;
    }
  });
  await Promise.all(workers);
  return totals;
}
