import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { GatewayLimits } from '../../http/index.js';
import { Child } from './child.js';
import type { AtEnd } from './endings.js';
import type { GatewayPlace, GatewayQuestion } from './gateway-server.js';
import type { Store } from './options.js';
import { openPlace } from './place.js';
import type { ReaderArguments, ReaderQuestion } from './stream-reader.js';

export type Gateway = Child<number, GatewayQuestion>;
export type Reader = Child<'ready', ReaderQuestion>;

const READERS = 4;
/** Files that a process has open besides its streams. */
const OTHER_FILES = 200;

/** Starts a gateway on an empty store. `profile`: a directory for a processor profile. */
export async function startGateway(
  store: Store,
  { limits = {}, profile }: { readonly limits?: Partial<GatewayLimits>; readonly profile: string | undefined },
  atEnd: AtEnd,
): Promise<Gateway> {
  const place: GatewayPlace = { place: await openPlace(store, atEnd), limits };
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const script = join(import.meta.dirname, 'gateway-server.ts');
  const gateway: Gateway = await Child.start(script, place, ['--expose-gc', ...profiling]);
  // A profile is written at an orderly end.
  atEnd(() => gateway.end(profile === undefined ? 'SIGKILL' : 'SIGTERM'));
  return gateway;
}

/** Opens streams of as many users, by several processes. Resolves once all have caught up. */
export async function openStreams(port: number, count: number, atEnd: AtEnd): Promise<readonly Reader[]> {
  requireFiles(count + OTHER_FILES);
  const script = join(import.meta.dirname, 'stream-reader.ts');
  const readers: Reader[] = [];
  // Ended before the server, or each would see its streams end.
  atEnd(() => Promise.all(readers.map((reader) => reader.end('SIGKILL'))));
  const each = Math.ceil(count / READERS);
  const opening: Promise<void>[] = [];
  for (let first = 0; first < count; first += each) {
    const reader: ReaderArguments = { port, first, count: Math.min(each, count - first) };
    const started: Promise<Reader> = Child.start(script, reader);
    opening.push(started.then((child) => void readers.push(child)));
  }
  await Promise.all(opening);
  return readers;
}

/** Node raises the number of open files to what the system lets it have. */
function requireFiles(count: number): void {
  const most = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  if (most !== 'unlimited' && Number(most) < count)
    throw new Error(`a process may have ${most} open files, and needs ${count}: raise ulimit -Hn, or --connections N`);
}
