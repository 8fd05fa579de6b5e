import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WatchHub } from '../../src/toolkit/index.js';
import type { Connection } from './connection.js';

/** The log is written before its index makes the commit visible, so a file event is looked at again this much later. */
const SECOND_LOOK_MS = 2;

/**
 * Wakes those who wait on Timelines of one connection: at once for its own commits; for those of other processes when
 * the log file changes and, as such events may be missing, when a poll finds a commit. All of it only while someone waits.
 */
export class Watchers {
  private readonly hub = new WatchHub({
    onWatched: () => {
      if (this.hub.size === 1) this.start();
    },
    onUnwatched: () => {
      if (this.hub.size === 0) this.stop();
    },
  });
  private version = '';
  private poll: NodeJS.Timeout | undefined;
  private files: FSWatcher | undefined;
  private look: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly wakeMs: number,
  ) {}

  add(library: number, timeline: string, wake: () => void): () => void {
    return this.hub.watch(`${library}:${timeline}`, wake);
  }

  /** After a commit of this connection. */
  wake(library: number, writes: readonly { readonly timeline: string }[], start: number, end: number): void {
    if (this.hub.size === 0) return;
    for (let i = start; i < end; i++) this.hub.wake(`${library}:${writes[i]!.timeline}`);
  }

  stop(): void {
    clearInterval(this.poll);
    clearTimeout(this.look);
    this.files?.close();
    this.look = undefined;
    this.files = undefined;
  }

  private start(): void {
    this.version = this.currentVersion();
    this.poll = setInterval(() => this.check(), this.wakeMs).unref();
    const path = this.connection.file?.path;
    if (path === undefined) return;
    const log = `${basename(path)}-wal`;
    try {
      // The directory, because the log may be made later and may be replaced.
      this.files = watch(dirname(path), { persistent: false }, (_event, file) => {
        if (file === log) this.lookTwice();
      });
      this.files.on('error', () => this.files?.close());
    } catch {
      // Directories that cannot be watched leave the poll.
    }
  }

  /** A database that is locked or was closed by its owner has nothing to tell; one whose file has gone has, once. */
  private currentVersion(): string {
    try {
      if (this.connection.isGone()) return 'gone';
      return this.connection.fileVersion();
    } catch {
      return this.version;
    }
  }

  private lookTwice(): void {
    if (this.look) return;
    this.check();
    this.look = setTimeout(() => {
      this.look = undefined;
      this.check();
    }, SECOND_LOOK_MS).unref();
  }

  private check(): void {
    const version = this.currentVersion();
    if (version === this.version) return;
    this.version = version;
    this.hub.wakeAll();
  }
}
