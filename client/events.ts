import { calmly } from './observed.js';
import type { ChatEvent, ChatEvents } from './types.js';

type Listener<M> = (event: ChatEvent<M>) => void;

/** Passes events on to listeners and loops. The state `closed` is the last one. */
export class Events<M> {
  readonly #listeners = new Set<Listener<M>>();

  on<K extends keyof ChatEvents<M>>(type: K, listener: (value: ChatEvents<M>[K]) => void): () => void {
    return this.#listen((event) => {
      if (event.type === type) listener(event.value as ChatEvents<M>[K]);
    });
  }

  emit<K extends keyof ChatEvents<M>>(type: K, value: ChatEvents<M>[K]): void {
    for (const listener of [...this.#listeners]) calmly(() => listener({ type, value } as ChatEvent<M>));
  }

  async *stream(): AsyncGenerator<ChatEvent<M>, void, undefined> {
    const waiting: ChatEvent<M>[] = [];
    let wake = () => {};
    const off = this.#listen((event) => {
      waiting.push(event);
      wake();
    });
    try {
      for (;;) {
        for (const event of waiting.splice(0)) {
          yield event;
          if (event.value === 'closed') return;
        }
        if (waiting.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      off();
    }
  }

  #listen(listener: Listener<M>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
