import type { AdapterLibrary, TimelineAdapter } from '../src/adapter.js';

/** Members of a library to replace; `undefined` takes an optional one away. */
export type LibraryChanges = { readonly [Member in keyof AdapterLibrary]?: AdapterLibrary[Member] | undefined };

/** An adapter whose libraries behave like those of the given one but for the members that `change` returns. */
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
  // The proxy's target is an empty object, because a frozen library could not be shown with other members than its own.
  return new Proxy({} as AdapterLibrary, {
    get(_, member) {
      if (member in changes) return members[member];
      const value: unknown = Reflect.get(library, member);
      return typeof value === 'function' ? value.bind(library) : value;
    },
    has: (_, member) => (member in changes ? members[member] !== undefined : member in library),
  });
}
