import { createListeners } from './listeners.js';
import type { ChatClient, ChatEvent, ChatEvents } from './types.js';

/** Passes events on to listeners and loops. The state `closed` is the last one. */
export interface Events<M> extends Pick<ChatClient<M>, 'on' | 'events'> {
  emit<K extends keyof ChatEvents<M>>(type: K, value: ChatEvents<M>[K]): void;
}

export function createEvents<M>(): Events<M> {
  const listeners = createListeners<ChatEvent<M>>();
  return {
    on: (type, listener) =>
      listeners.add((event) => {
        if (event.type === type) listener(event.value as Parameters<typeof listener>[0]);
      }),
    emit: (type, value) => listeners.call({ type, value } as ChatEvent<M>),
    events: async function* () {
      const waiting: ChatEvent<M>[] = [];
      let wake = () => {};
      const off = listeners.add((event) => {
        waiting.push(event);
        wake();
      });
      try {
        for (;;) {
          const event = waiting.shift();
          if (event) yield event;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          if (event?.value === 'closed') return;
        }
      } finally {
        off();
      }
    },
  };
}
