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
interface IdbTransaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): {
    getAll(): IdbRequest<readonly StoredOutgoing[]>;
    put(item: StoredOutgoing): IdbRequest<unknown>;
    delete(key: string): IdbRequest<unknown>;
  };
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
  const write = (change: (items: ReturnType<IdbTransaction['objectStore']>) => void) =>
    new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(ITEMS, 'readwrite');
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      change(transaction.objectStore(ITEMS));
    });
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
