import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WatchHub } from '../../src/toolkit/index.js';
import type { Connection } from './file/connection.js';

/** The log is written before its index makes the commit visible: check again this much after a file event. */
const SECOND_CHECK_MS = 2;

/**
 * Wakes subscriptions of one connection: at once after its own commits, and after those of other processes when the log
 * file changes. File events may get lost, so a poll looks for commits too. All of it runs only while someone waits.
 */
export class CommitWatch {
  readonly #connection: Connection;
  readonly #wakeMs: number;
  readonly #hub = new WatchHub({
    onWatched: () => {
      if (this.#hub.size === 1) this.#start();
    },
    onUnwatched: () => {
      if (this.#hub.size === 0) this.stop();
    },
  });
  #version = '';
  #poll: NodeJS.Timeout | undefined;
  #files: FSWatcher | undefined;
  #secondCheck: NodeJS.Timeout | undefined;

  constructor(connection: Connection, wakeMs: number) {
    this.#connection = connection;
    this.#wakeMs = wakeMs;
  }

  watch(library: number, timeline: string, wake: () => void): () => void {
    return this.#hub.watch(`${library}:${timeline}`, wake);
  }

  /** Wakes the Timelines of `writes[start]` to `writes[end - 1]`, after this connection has committed them. */
  wake(library: number, writes: readonly { readonly timeline: string }[], start: number, end: number): void {
    if (this.#hub.size === 0) return;
    for (let i = start; i < end; i++) this.#hub.wake(`${library}:${writes[i]!.timeline}`);
  }

  stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#secondCheck);
    this.#files?.close();
    this.#secondCheck = undefined;
    this.#files = undefined;
  }

  #start(): void {
    this.#version = this.#currentVersion();
    this.#poll = setInterval(() => this.#check(), this.#wakeMs).unref();
    const path = this.#connection.file?.path;
    if (path === undefined) return;
    const log = `${basename(path)}-wal`;
    try {
      // The directory, because the log may be created later and may be replaced.
      this.#files = watch(dirname(path), { persistent: false }, (_event, file) => {
        if (file === log) this.#checkTwice();
      });
      this.#files.on('error', () => this.#files?.close());
    } catch {
      // The poll remains where a directory cannot be watched.
    }
  }

  /** Of a locked or closed database the version stays the same. That the file was replaced counts as one change. */
  #currentVersion(): string {
    try {
      if (this.#connection.isGone()) return 'gone';
      return this.#connection.fileVersion();
    } catch {
      return this.#version;
    }
  }

  #checkTwice(): void {
    if (this.#secondCheck) return;
    this.#check();
    this.#secondCheck = setTimeout(() => {
      this.#secondCheck = undefined;
      this.#check();
    }, SECOND_CHECK_MS).unref();
  }

  #check(): void {
    const version = this.#currentVersion();
    if (version === this.#version) return;
    this.#version = version;
    this.#hub.wakeAll();
  }
}
