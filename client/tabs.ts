import type { ChatTabs } from './types.js';

/** The part of Web Locks that is used. */
interface Locks {
  request(name: string, options: { readonly signal: AbortSignal }, held: () => Promise<void>): Promise<void>;
}

/** Tabs of a browser that use this name. `undefined` without Web Locks: each tab is connected then. */
export function tabsOf(name: string, closed: AbortSignal): ChatTabs | undefined {
  const { navigator } = globalThis as unknown as { readonly navigator?: { readonly locks?: Locks } };
  const locks = navigator?.locks;
  if (!locks) return undefined;
  const shared = `timeline-chat:${name}`;
  const channel = new BroadcastChannel(shared);
  closed.addEventListener('abort', () => channel.close());
  return {
    post: (message) => {
      if (!closed.aborted) channel.postMessage(message);
    },
    join: (hear) => {
      channel.onmessage = (event) => hear((event as { data: unknown }).data);
      return new Promise((resolve) => {
        // The browser gives the lock to the next tab when this one is gone, however it ends.
        const hold = () => {
          resolve();
          return new Promise<void>((release) => closed.addEventListener('abort', () => release()));
        };
        locks.request(shared, { signal: closed }, hold).catch(() => {});
      });
    },
  };
}
