import { randomUUID } from 'node:crypto';
import { ListenerHub } from '../../src/toolkit/index.js';
import type { LibraryContext } from './library-context.js';

type Listeners = ListenerHub<[payload: string]>;

/** Registered, because a program may have this module twice: as ESM and as CJS, or in two bundles. */
const LISTENERS = Symbol.for('timeline-model.sqlite.listeners');

/** Of all files that are open in this process, since several handles may have one file open. */
const listeners = listenersOfProcess();

/** Databases without a file have no other handles. */
const unnamed = new WeakMap<object, string>();

/** Passes signals to the listeners of one library in this process, whichever handle of the file they came by. */
export class Signals {
  readonly #name: string;

  constructor({ connection, id }: LibraryContext) {
    this.#name = `${connection.file?.id ?? nameOf(connection.database)} ${id}`;
  }

  publish(topic: string, payload: string): void {
    listeners.tell(`${this.#name} ${topic}`, payload);
  }

  listen(topic: string, hear: (payload: string) => void): () => void {
    return listeners.add(`${this.#name} ${topic}`, hear);
  }
}

function listenersOfProcess(): Listeners {
  const registry = globalThis as { [LISTENERS]?: Listeners };
  registry[LISTENERS] ??= new ListenerHub();
  return registry[LISTENERS];
}

function nameOf(database: object): string {
  const name = unnamed.get(database) ?? randomUUID();
  unnamed.set(database, name);
  return name;
}
