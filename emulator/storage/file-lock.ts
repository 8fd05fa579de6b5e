/**
 * Locks a file for one emulator. The lock is a listening socket beside the file. The system closes it whenever its
 * process ends, other containers that share the folder find it, and it contains no process id, which could mean another
 * process in another container.
 *
 * A process first publishes its socket as a candidate, then looks for others, and renames it to the lock only if there
 * are none. Of two that start at once, at least one sees the other.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EmulatorFileError } from './journal-format.js';

/** Limit of socket paths: 104 bytes with the final zero on macOS, 108 on Linux. */
const MAX_SOCKET_PATH_LENGTH = 103;
const MAX_BASE_LENGTH = 40;
const ATTEMPTS = 20;
const MAX_PAUSE_MS = 50;

export interface FileLock {
  release(): Promise<void>;
}

/**
 * Locks the file at its real path.
 * @throws EmulatorFileError if another emulator uses the file, in this or another process
 */
export async function lockFile(path: string): Promise<FileLock> {
  if (process.platform === 'win32') return lockName(path, `\\\\.\\pipe\\${nameOf(path)}`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const lock = await new LockCandidate(path).acquire();
    if (lock) return lock;
    await wait(Math.random() * MAX_PAUSE_MS);
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

/** Locks a name that the system keeps without a file: a Windows pipe, an abstract Linux socket. */
async function lockName(path: string, name: string): Promise<FileLock> {
  const server = await listening(name).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? inUse(path) : error;
  });
  return { release: () => closed(server) };
}

class LockCandidate {
  readonly #path: string;
  readonly #folder: string;
  /** Prefix of the names of all sockets of the file. */
  readonly #base: string;
  readonly #id = randomBytes(4).toString('hex');

  constructor(path: string) {
    this.#path = path;
    this.#folder = dirname(path);
    const name = basename(path);
    const isLong = Buffer.byteLength(name) > MAX_BASE_LENGTH;
    this.#base = `${isLong ? createHash('sha256').update(name).digest('hex').slice(0, 16) : name}.emulator-lock`;
  }

  /** Returns undefined if others are trying too. @throws EmulatorFileError if another emulator has the lock */
  async acquire(): Promise<FileLock | undefined> {
    const short = new ShortPath(this.#folder, `${this.#base}.${this.#id}.new`);
    try {
      const unpublished = short.of(`${this.#base}.${this.#id}.new`);
      const server = await listening(unpublished).catch((error: NodeJS.ErrnoException) => error);
      if (server instanceof Error) return await this.#withoutSocket(server);
      try {
        if (await this.#takeLock(short)) return { release: () => this.#release(server) };
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

  async #takeLock(short: ShortPath): Promise<boolean> {
    const candidate = `${this.#base}.${this.#id}`;
    const lock = join(this.#folder, this.#base);
    // Publish it only now that it listens: anybody may remove a candidate that refuses connections.
    renameSync(join(this.#folder, `${candidate}.new`), join(this.#folder, candidate));
    const others = readdirSync(this.#folder).filter((name) => this.#isCandidate(name) && name !== candidate);
    for (const name of others) {
      const state = await probe(short.of(name));
      if (state === 'alive') return false;
      if (state === 'dead') rmSync(join(this.#folder, name), { force: true });
    }
    // Check after the list: a candidate missing from the list has become the lock by now, or has given up.
    if (!isSocketOrNothing(lock)) {
      throw new EmulatorFileError(
        'EMULATOR_FILE_IN_USE',
        this.#path,
        `${lock} blocks the emulator's lock. Move it away.`,
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
    const candidate = join(this.#folder, `${this.#base}.${this.#id}`);
    for (const path of [candidate, `${candidate}.new`]) rmSync(path, { force: true });
    await closed(server);
  }

  /** Removes the name first: while the socket listens, nobody else takes it. */
  async #release(server: Server): Promise<void> {
    rmSync(join(this.#folder, this.#base), { force: true });
    await closed(server);
  }

  /** Some file systems have no sockets; Linux has names without files, but per container. */
  async #withoutSocket(cause: Error): Promise<FileLock> {
    if (process.platform === 'linux') return lockName(this.#path, `\0${nameOf(this.#path)}`);
    const advice = 'its folder takes no sockets, so the emulator cannot lock it. Use a file on a local disk.';
    throw new EmulatorFileError('EMULATOR_FILE_IN_USE', this.#path, advice, { cause });
  }
}

/** Paths in a folder, through a short symbolic link if the folder's own path is too long for sockets. */
class ShortPath {
  readonly #folder: string;
  readonly #made: string | undefined;

  constructor(folder: string, longestName: string) {
    if (Buffer.byteLength(join(folder, longestName)) <= MAX_SOCKET_PATH_LENGTH) this.#folder = folder;
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

/** Returns `dead` if nobody listens, and `gone` if the socket no longer exists. */
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

/** Listens without keeping the process alive. */
function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    // In a cluster, the primary would otherwise own the socket, which would outlive its worker.
    server.listen({ path, exclusive: true }, () => {
      // A failure to accept a probe does not affect the lock.
      server.on('error', () => {});
      resolve(server.unref());
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
