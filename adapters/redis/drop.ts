import type { Call } from '../../src/adapter.js';
import { awaitDurability } from './append.js';
import type { Library } from './library.js';
import { DROP } from './scripts.generated.js';
import type { Watchers } from './watch.js';

/**
 * Drops Timelines. The state of a Timeline is the record that stays, and its id stays in the registry, which lists only
 * Timelines with entries.
 */
export class Dropper {
  readonly #library: Library;
  readonly #watchers: Watchers;

  constructor(library: Library, watchers: Watchers) {
    this.#library = library;
    this.#watchers = watchers;
  }

  async drop(timeline: string, call: Call): Promise<void> {
    const library = this.#library;
    const { connections, keys } = library;
    const declared = keys.declare(timeline, ['m', 'u', 'k', 'c']);
    await connections.write.script(DROP, declared, [library.newEpochSuffix()], call);
    this.#watchers.compare();
    await awaitDurability(library, call);
  }
}
