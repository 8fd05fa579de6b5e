import { FAMILIES } from './families.js';
import { simulateMany } from './simulate.js';

/**
 * Runs many seeds on one or more kinds of stores: `SEEDS` (default 1000), `FIRST_SEED` (default 1), `STORE` (names with
 * commas between, default all). `PLAN_ONLY` leaves out the added commands: so seeds repeat that failed before there
 * were any. Reports each failure with the shortest list of commands found. Stops a store after five
 * failures; with any failure, the status is 1.
 */
const seeds = Number(process.env.SEEDS ?? 1000);
const first = Number(process.env.FIRST_SEED ?? 1);
const isPlanOnly = process.env.PLAN_ONLY !== undefined;
const stores = (process.env.STORE?.split(',') ?? Object.keys(FAMILIES)) as (keyof typeof FAMILIES)[];

for (const store of stores) {
  const family = await FAMILIES[store]();
  const began = performance.now();
  const { failures, ...totals } = await simulateMany(family, first, seeds, { mostFailures: 5, isPlanOnly });
  await family.close();
  for (const failure of failures) console.error(`${failure}\n`);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${store}: ${JSON.stringify({ ...totals, failed: failures.length, seconds })}`);
  if (failures.length > 0) process.exitCode = 1;
}
