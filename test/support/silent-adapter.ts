import type { AdapterLibrary, TimelineAdapter, Write } from '../../src/adapter.js';
import { decorateAdapter, type LibraryChanges } from '../../testing/index.js';

/** A test waits for it, several times. */
const BUDGET_MS = 1000;

const silenced = new WeakMap<TimelineAdapter, { isSilent: boolean }>();

/** An adapter that executes what it is asked and withholds the answers while it is told to. */
export function silentAdapter(
  adapter: TimelineAdapter,
  changeWrites: (writes: readonly Write[]) => readonly Write[] = (writes) => writes,
): TimelineAdapter {
  const state = { isSilent: false };
  const answered = <Args extends unknown[], T>(run: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      const answer = await run(...args);
      return state.isSilent ? new Promise<never>(() => undefined) : answer;
    };
  };
  const silent = decorateAdapter(adapter, (library) => changes(library, answered, state, changeWrites));
  silenced.set(silent, state);
  return silent;
}

function changes(
  library: AdapterLibrary,
  answered: <Args extends unknown[], T>(run: (...args: Args) => Promise<T>) => (...args: Args) => Promise<T>,
  state: { readonly isSilent: boolean },
  changeWrites: (writes: readonly Write[]) => readonly Write[],
): LibraryChanges {
  const { checkpoints } = library;
  return {
    capabilities: { ...library.capabilities, budgetMs: Math.min(library.capabilities.budgetMs, BUDGET_MS) },
    append: answered((writes, call) => library.append(state.isSilent ? changeWrites(writes) : writes, call)),
    read: answered((ranges, call) => library.read(ranges, call)),
    heads: answered((timelines, call) => library.heads(timelines, call)),
    update: answered((...args) => library.update!(...args)),
    delete: answered((...args) => library.delete!(...args)),
    trim: answered((...args) => library.trim!(...args)),
    timelines: answered((range, call) => library.timelines!(range, call)),
    checkpoints: checkpoints && {
      get: answered(checkpoints.get),
      advance: answered(checkpoints.advance),
      reset: answered(checkpoints.reset),
    },
    close: answered((call) => library.close(call)),
  };
}

/** The hook `silence` of the kit. */
export async function silence(adapter: TimelineAdapter): Promise<() => Promise<void>> {
  const state = silenced.get(adapter);
  if (!state) throw new Error('not an adapter that can be silenced');
  state.isSilent = true;
  return async () => {
    state.isSilent = false;
  };
}
