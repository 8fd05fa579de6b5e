import { tabsOf } from './tabs.js';
import type { OpenChatStorage, StoredOutgoing } from './types.js';

const ITEMS = 'outgoing';

/** The part of IndexedDB that is used. */
interface IdbRequest<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface IdbItems {
  getAll(): IdbRequest<readonly StoredOutgoing[]>;
  put(item: StoredOutgoing): IdbRequest<unknown>;
  delete(key: string): IdbRequest<unknown>;
}
interface IdbTransaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): IdbItems;
}
interface IdbDatabase {
  createObjectStore(name: string, options: { readonly keyPath: string }): unknown;
  transaction(name: string, mode: 'readonly' | 'readwrite'): IdbTransaction;
  close(): void;
  onversionchange: (() => void) | null;
}
interface IdbFactory {
  open(name: string, version: number): IdbRequest<IdbDatabase> & { onupgradeneeded: (() => void) | null };
}

export async function openIndexedDb(name: string): Promise<OpenChatStorage> {
  const { indexedDB } = globalThis as unknown as { readonly indexedDB: IdbFactory };
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(ITEMS, { keyPath: 'key' });
  const database = await answered(opening);
  // Another tab deletes the database, or has a newer version.
  database.onversionchange = () => database.close();
  const closing = new AbortController();
  let writing: { readonly items: IdbItems; readonly done: Promise<void> } | undefined;
  /** Changes of one turn of the event loop share a transaction. */
  const write = async (change: (items: IdbItems) => void) => {
    if (!writing) {
      const transaction = database.transaction(ITEMS, 'readwrite');
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      writing = { items: transaction.objectStore(ITEMS), done };
      queueMicrotask(() => {
        writing = undefined;
      });
    }
    change(writing.items);
    await writing.done;
  };
  return {
    all: async () => answered(database.transaction(ITEMS, 'readonly').objectStore(ITEMS).getAll()),
    put: (item) => write((items) => items.put(item)),
    remove: (key) => write((items) => items.delete(key)),
    tabs: tabsOf(name, closing.signal),
    close: () => {
      closing.abort();
      database.close();
    },
  };
}

function answered<T>(request: IdbRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
