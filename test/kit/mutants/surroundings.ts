import { memoryAdapter } from '../../../adapters/memory/index.js';
import type { LibraryClock, LibraryOptions, TimelineAdapter } from '../../../src/adapter.js';
import { silentAdapter } from '../../support/silent-adapter.js';
import { type Mutant, mutant } from './mutant.js';

/** The memory adapter opened with other options than it was asked for. */
const openedWith = (change: (options: LibraryOptions) => LibraryOptions): TimelineAdapter => {
  const adapter = memoryAdapter();
  return { name: adapter.name, open: (options) => adapter.open(change(options)) };
};

const onClock = (change: (clock: LibraryClock) => Partial<LibraryClock>): TimelineAdapter =>
  openedWith((options) => {
    const { clock } = options;
    const members = change(clock);
    const changed: LibraryClock = {
      trustsNow: clock.trustsNow,
      entryTime: (lastAt) => clock.entryTime(lastAt),
      expiryTime: () => clock.expiryTime(),
      isFuture: (at) => clock.isFuture(at),
      latestTime: () => clock.latestTime(),
      follow: (time) => clock.follow(time),
      exchange: (kept) => clock.exchange(kept),
      ...members,
    };
    return { ...options, clock: changed };
  });

/** Mutants of everything around the data: settings, clocks, a store that does not answer. */
export const surroundingsMutants: readonly Mutant[] = [
  {
    law: 'Settings',
    breaks: 'takes another TTL in silence',
    create: () => openedWith((options) => ({ ...options, alter: true })),
  },
  {
    law: 'Settings',
    breaks: 'takes what is not given for no TTL',
    create: () =>
      openedWith((options) => ({ ...options, ttlMs: options.ttlMs ?? Number.POSITIVE_INFINITY, alter: true })),
  },
  mutant('Settings', 'does not say what stands', () => ({ ttlMs: undefined })),
  {
    law: 'Accepted time',
    breaks: 'keeps no time with the data',
    create: () => onClock(() => ({ exchange: () => undefined })),
  },
  {
    law: 'Accepted time',
    breaks: 'lets a time that was set ahead raise all that follow',
    create: () =>
      onClock((clock) => ({
        isFuture: () => false,
        entryTime: (lastAt = 0) => Math.max(lastAt, clock.entryTime()),
      })),
  },
  {
    law: 'Budget',
    breaks: 'forgets the key of a write whose answer was lost',
    create: () =>
      silentAdapter(memoryAdapter(), (writes) =>
        writes.map((write) => ({ ...write, entries: write.entries.map(({ key: _, ...entry }) => entry) })),
      ),
  },
];
