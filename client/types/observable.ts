/** A value that changes. `subscribe` and `getSnapshot` may be passed to React's `useSyncExternalStore` as they are. */
export interface Observable<T> {
  /** Calls the listener after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Returns the present value: immutable, and the same object until it changes. */
  readonly getSnapshot: () => T;
}
