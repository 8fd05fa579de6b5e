import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';

/** One way to do a job. The others are compared with the first case. */
export interface Case {
  readonly name: string;
  /** Does the job once; returns the number of operations. */
  run(): Promise<number> | number;
}

export interface Comparison {
  readonly title: string;
  readonly unit: string;
  readonly cases: readonly Case[];
  /** Target ratio of the last case. */
  readonly goal?: number;
  /** Seconds of processor time that the server has used. */
  readonly serverCpu?: () => Promise<number>;
}

const ROUNDS = Number(process.env.ROUNDS ?? 7);

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function printMachine(versions: Readonly<Record<string, string>>): void {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log(
    [`node ${process.version}`, ...list, `${cpus().length} × ${cpus()[0]?.model}`, `${ROUNDS} rounds`].join(', '),
  );
}

/**
 * Runs the cases in rotation, so that the noise of a shared machine affects all alike, after an uncounted round. Prints
 * median rates and, against the first case, the medians of the per-round ratios: of the rates, and of the operations
 * per second of processor time (all threads), which a busy machine disturbs less. Of a server also the processor time
 * of an operation, and the ratio of operations per second of it.
 */
export async function compare({ title, unit, cases, goal, serverCpu }: Comparison): Promise<void> {
  const rounds: Measure[][] = cases.map(() => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const index = (turn + round + 1) % cases.length;
      const measure = await measured(cases[index]!, serverCpu);
      if (round >= 0) rounds[index]!.push(measure);
    }
  }
  console.log(`\n${title}${goal === undefined ? '' : ` (goal ${goal.toFixed(2)})`}`);
  const width = Math.max(...cases.map(({ name }) => name.length));
  for (const [i, { name }] of cases.entries()) {
    const ratio = (by: keyof Measure) =>
      median(rounds[i]!.map((measure, round) => measure[by] / rounds[0]![round]![by])).toFixed(2);
    const rate = formatRate(median(rounds[i]!.map((measure) => measure.rate))).padStart(8);
    const micros = median(rounds[i]!.map(({ perServerCpu }) => 1e6 / perServerCpu)).toFixed(2);
    const server = serverCpu ? `, server ${micros} µs ${ratio('perServerCpu')}` : '';
    console.log(`  ${name.padEnd(width)}  ${rate} ${unit}  ${ratio('rate')}  (processor ${ratio('perCpu')}${server})`);
  }
}

interface Measure {
  readonly rate: number;
  readonly perCpu: number;
  readonly perServerCpu: number;
}

async function measured({ run }: Case, serverCpu = async () => 0): Promise<Measure> {
  const serverStart = await serverCpu();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const operations = await run();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const perServerCpu = operations / ((await serverCpu()) - serverStart);
  return { rate: operations / seconds, perCpu: (operations * 1e6) / (user + system), perServerCpu };
}

export function formatRate(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)}M`;
  if (rate >= 1e3) return `${(rate / 1e3).toFixed(rate >= 1e5 ? 0 : 1)}k`;
  return rate.toFixed(1);
}

/** Runs `count` jobs by `callers` callers, each waiting for its job before the next. */
export async function concurrently(
  count: number,
  callers: number,
  job: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const caller = async () => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return count;
}

/** Returns how long single turns blocked the event loop during `job`, in milliseconds, longest first. */
export async function loopHolds(job: () => Promise<void>): Promise<number[]> {
  const holds: number[] = [];
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    holds.push(now - last);
    last = now;
    immediate = setImmediate(look);
  };
  let immediate = setImmediate(look);
  await job();
  clearImmediate(immediate);
  return holds.sort((a, b) => b - a);
}
