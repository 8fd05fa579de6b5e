/** The benchmark of delivery: `npm run bench:delivery -- --help`. */
import { rmSync } from 'node:fs';
import { bundlesOf } from '../../test/support/bundled.js';
import { measureConnections } from './connections.js';
import { measureDrops } from './drops.js';
import { type Options, type Part, parseOptions, USAGE, UsageError } from './options.js';
import { measureViewers } from './viewers.js';

const MEASURES: {
  readonly [part in Part]: (options: Options, command: string) => Promise<readonly string[]>;
} = {
  drops: measureDrops,
  connections: measureConnections,
  viewers: measureViewers,
};

/** Exit code after a signal. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  // What runs and what is temporary is ended and removed as the process exits.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(INTERRUPTED));
  process.once('exit', () => rmSync(bundlesOf(process.ppid), { recursive: true, force: true }));
  try {
    const options = parseOptions(args);
    const command = ['npm run bench:delivery', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
    const faults: string[] = [];
    for (const part of options.parts) faults.push(...(await MEASURES[part](options, command)));
    for (const fault of faults) console.error(`timeline-model: ${fault}`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
