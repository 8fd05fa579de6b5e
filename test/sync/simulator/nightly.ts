import { FAMILIES } from './families.js';
import { simulate } from './simulate.js';

/**
 * Many seeds on one family of stores or on all: `SEEDS` (default 1000), `FIRST_SEED` (default 1), `STORE` (default all).
 * Ends with status 1 if any seed failed; each is reported with its shortest list of commands.
 */
const seeds = Number(process.env.SEEDS ?? 1000);
const first = Number(process.env.FIRST_SEED ?? 1);
const stores = (process.env.STORE?.split(',') ?? Object.keys(FAMILIES)) as (keyof typeof FAMILIES)[];
const mostFailures = Number(process.env.FAILURES ?? 5);

for (const store of stores) {
  const family = await FAMILIES[store]();
  const began = performance.now();
  const total = { crashes: 0, resyncs: 0, repeats: 0 };
  let failures = 0;
  for (let seed = first; seed < first + seeds && failures < mostFailures; seed++) {
    try {
      const { crashes, resyncs, repeats } = await simulate(family, seed);
      total.crashes += crashes;
      total.resyncs += resyncs;
      total.repeats += repeats;
    } catch (error) {
      failures++;
      console.error(`${error instanceof Error ? error.message : error}\n`);
    }
  }
  await family.close();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`${store}: ${seeds} seeds, ${JSON.stringify(total)}, ${failures} failed, ${seconds} s`);
  if (failures > 0) process.exitCode = 1;
}
