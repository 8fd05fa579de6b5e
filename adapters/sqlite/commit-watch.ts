import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Hint } from '../../src/adapter.js';
import { WatchHub } from '../../src/toolkit/index.js';
import type { Connection } from './file/connection.js';

/** The log is written before its index makes the commit visible: check again this much after a file event. */
const SECOND_CHECK_MS = 2;

/**
 * Wakes subscriptions of one connection: after its own commits with the new entries, and after those of other processes
 * when the log file changes. File events may get lost, so a poll looks for commits too. All of it runs only while
 * someone waits.
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

  watch(library: number, timeline: string, wake: (hint?: Hint) => void): () => void {
    return this.#hub.watch(`${library}:${timeline}`, wake);
  }

  isWatched(library: number, timeline: string): boolean {
    return this.#hub.size > 0 && this.#hub.has(`${library}:${timeline}`);
  }

  /** Call after a commit of this connection, with the new entries of the Timeline if it added any. */
  wake(library: number, timeline: string, hint?: Hint): void {
    this.#hub.wake(`${library}:${timeline}`, hint);
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
      return this.#connection.foreignVersion();
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
