import type { AdapterLibrary, TimelineAdapter } from '../src/adapter.js';

/** Members of a library to replace; `undefined` removes an optional one. */
export type LibraryChanges = { readonly [Member in keyof AdapterLibrary]?: AdapterLibrary[Member] | undefined };

/**
 * Returns an adapter like the given one, with the members that `change` returns replaced in its libraries.
 *
 * @example
 * ```ts
 * const slow = decorateAdapter(adapter, (library) => ({
 *   append: async (writes, call) => {
 *     await pause(100);
 *     return library.append(writes, call);
 *   },
 * }));
 * ```
 */
export function decorateAdapter(
  adapter: TimelineAdapter,
  change: (library: AdapterLibrary) => LibraryChanges,
): TimelineAdapter {
  return {
    name: adapter.name,
    async open(options) {
      const library = await adapter.open(options);
      return decorateLibrary(library, change(library));
    },
  };
}

function decorateLibrary(library: AdapterLibrary, changes: LibraryChanges): AdapterLibrary {
  const members = changes as Record<PropertyKey, unknown>;
  // The target is an empty object, because a proxy of a frozen library could not replace its members.
  return new Proxy({} as AdapterLibrary, {
    get(_, member) {
      if (member in changes) return members[member];
      const value: unknown = Reflect.get(library, member);
      return typeof value === 'function' ? value.bind(library) : value;
    },
    has: (_, member) => (member in changes ? members[member] !== undefined : member in library),
  });
}
