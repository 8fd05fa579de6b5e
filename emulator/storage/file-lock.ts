/**
 * One emulator per file. The lock is a listening socket beside the file: the system closes it with its process however
 * that ends, it is found by its place in the folder and so also from other containers that share the folder, and there is
 * no process id that could mean another process there.
 *
 * A process first shows its socket as a candidate, then looks for others, and only if there is none gives it the name of
 * the lock. Of two that start at once, at least one sees the other.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EmulatorFileError } from './journal-format.js';

/** Paths of sockets are shorter than others: 104 bytes with the final zero on macOS, 108 on Linux. */
const LONGEST_SOCKET_PATH = 103;
const LONGEST_BASE = 40;
const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 50;

export interface FileLock {
  release(): Promise<void>;
}

/** @param path the file's real path. @throws EmulatorFileError if another emulator has the file, in this process or not */
export async function lockFile(path: string): Promise<FileLock> {
  if (process.platform === 'win32') return lockName(path, `\\\\.\\pipe\\${nameOf(path)}`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const lock = await new Contender(path).acquire();
    if (lock) return lock;
    await wait(Math.random() * LONGEST_PAUSE_MS);
  }
  throw inUse(path);
}

const inUse = (path: string) =>
  new EmulatorFileError(
    'EMULATOR_FILE_IN_USE',
    path,
    'another emulator has this file open. Close it, or use another file.',
  );

const nameOf = (path: string) => `timeline-model-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;

/** Where the system itself keeps the name: a pipe of Windows, an abstract socket of Linux. */
async function lockName(path: string, name: string): Promise<FileLock> {
  const server = await listening(name).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? inUse(path) : error;
  });
  return { release: () => closed(server) };
}

class Contender {
  readonly #path: string;
  readonly #folder: string;
  /** Begins the names of all sockets of that file. */
  readonly #base: string;
  readonly #own = randomBytes(4).toString('hex');

  constructor(path: string) {
    this.#path = path;
    this.#folder = dirname(path);
    const name = basename(path);
    const isLong = Buffer.byteLength(name) > LONGEST_BASE;
    this.#base = `${isLong ? createHash('sha256').update(name).digest('hex').slice(0, 16) : name}.emulator-lock`;
  }

  /** Undefined if others are trying as well. @throws EmulatorFileError if another has the lock */
  async acquire(): Promise<FileLock | undefined> {
    const short = new ShortPath(this.#folder, `${this.#base}.${this.#own}.new`);
    try {
      const unborn = short.of(`${this.#base}.${this.#own}.new`);
      const server = await listening(unborn).catch((error: NodeJS.ErrnoException) => error);
      if (server instanceof Error) return await this.#withoutSocket(server);
      try {
        if (await this.#contend(short)) return { release: () => this.#release(server) };
      } catch (error) {
        await this.#withdraw(server);
        throw error;
      }
      await this.#withdraw(server);
      return undefined;
    } finally {
      short.remove();
    }
  }

  async #contend(short: ShortPath): Promise<boolean> {
    const candidate = `${this.#base}.${this.#own}`;
    const lock = join(this.#folder, this.#base);
    // Shown only once it listens: a socket of that name that refuses is dead, and anybody may remove it.
    renameSync(join(this.#folder, `${candidate}.new`), join(this.#folder, candidate));
    const others = readdirSync(this.#folder).filter((name) => this.#isCandidate(name) && name !== candidate);
    for (const name of others) {
      const state = await probe(short.of(name));
      if (state === 'alive') return false;
      if (state === 'dead') rmSync(join(this.#folder, name), { force: true });
    }
    // Only now: a candidate that was missing from the list has this name by now, or has given up.
    if (!isSocketOrNothing(lock)) {
      throw new EmulatorFileError(
        'EMULATOR_FILE_IN_USE',
        this.#path,
        `${lock} is in the way of its lock. Move it away.`,
      );
    }
    if ((await probe(short.of(this.#base))) === 'alive') throw inUse(this.#path);
    renameSync(join(this.#folder, candidate), lock);
    return true;
  }

  #isCandidate(name: string): boolean {
    return name.startsWith(`${this.#base}.`) && /^[0-9a-f]{8}$/.test(name.slice(this.#base.length + 1));
  }

  async #withdraw(server: Server): Promise<void> {
    const candidate = join(this.#folder, `${this.#base}.${this.#own}`);
    for (const path of [candidate, `${candidate}.new`]) rmSync(path, { force: true });
    await closed(server);
  }

  /** The name goes first: while the socket listens nobody else takes it. */
  async #release(server: Server): Promise<void> {
    rmSync(join(this.#folder, this.#base), { force: true });
    await closed(server);
  }

  /** Some file systems have no sockets; Linux keeps names without files, though per container. */
  async #withoutSocket(cause: Error): Promise<FileLock> {
    if (process.platform === 'linux') return lockName(this.#path, `\0${nameOf(this.#path)}`);
    const advice = 'its folder takes no sockets, so the emulator cannot lock it. Use a file on a local disk.';
    throw new EmulatorFileError('EMULATOR_FILE_IN_USE', this.#path, advice, { cause });
  }
}

/** Names in a folder, by a link of few letters where the folder's own path is too long for sockets. */
class ShortPath {
  readonly #folder: string;
  readonly #made: string | undefined;

  constructor(folder: string, longestName: string) {
    if (Buffer.byteLength(join(folder, longestName)) <= LONGEST_SOCKET_PATH) this.#folder = folder;
    else {
      this.#made = mkdtempSync(join(tmpdir(), 'tl-'));
      this.#folder = join(this.#made, 'f');
      symlinkSync(folder, this.#folder);
    }
  }

  of(name: string): string {
    return join(this.#folder, name);
  }

  remove(): void {
    if (this.#made !== undefined) rmSync(this.#made, { recursive: true, force: true });
  }
}

function isSocketOrNothing(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? true;
}

/** `dead`: nobody listens there; `gone`: there is no such socket any more. */
function probe(path: string): Promise<'alive' | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' ? 'dead' : code === 'ENOENT' ? 'gone' : 'alive');
    });
  });
}

/** Does not keep its process alive. */
function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    // In a cluster, the socket would otherwise be the primary's, and outlive its worker.
    server.listen({ path, exclusive: true }, () => {
      // A failure to accept somebody who only looks is none of the lock's.
      server.on('error', () => {});
      resolve(server.unref());
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
