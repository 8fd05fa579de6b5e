import { randomUUID } from 'node:crypto';
import { isTimelineError, type TimelineStore } from '../../src/index.js';
import type { Mode, Stored, Synced } from '../types.js';
import { pauseAfterRace } from './contention.js';
import { tagOf } from './epochs.js';
import { timelineOf } from './names.js';

/** Settings that hold for a whole library, whichever process uses it. */
export interface LibrarySettings {
  /** The mode of conversations that have no mode marker. */
  readonly defaultMode: Mode;
  /** `true` if any conversation may be, or may once have been, in read mode. */
  readonly mayUseReadMode: boolean;
  /** Signs the cursors of devices. */
  readonly secret: string;
  /**
   * Names the life of the libraries: another number once one of them was restored to an earlier state. Positions of
   * devices were stored in an earlier life then, copies may be missing in inboxes, and conversations may give SeqIds
   * again that devices know as those of other entries.
   */
  readonly life: number;
  /** Epoch of the state library's settings. */
  readonly stateEpoch: string;
  /** Epoch of the sync library, where it has one for all its Timelines. */
  readonly syncEpoch: string;
  /** The same of the store library. Empty where it is the state library. */
  readonly storeEpoch: string;
}

/** The libraries whose life the settings name. */
interface Libraries<M> {
  readonly store: TimelineStore<Stored<M>>;
  readonly sync: TimelineStore<Synced<M>>;
  readonly state: TimelineStore<Stored<M>>;
}

interface StoredSettings {
  readonly mode: Mode;
  readonly secret: string;
}

/** Gives the Timeline an epoch; nobody reads it. */
const FIRST_ENTRY = { kind: 'truncated', conversation: '', epoch: '', seqId: '0', from: '0' } as const;

/**
 * Reads the settings of a library, or writes them on first use. Another diffusion that is configured later changes no
 * conversation that is there.
 */
export async function initializeSettings<M>(
  { store, sync, state: library }: Libraries<M>,
  modes: readonly Mode[],
  closing: AbortSignal,
): Promise<LibrarySettings> {
  const timeline = library.timeline(timelineOf.settings);
  const [syncEpoch, storeEpoch] = await Promise.all([
    epochOf(sync, FIRST_ENTRY),
    library === store ? '' : epochOf(store, { kind: 'state', state: 'life' }),
  ]);
  const preferred: Mode = modes.includes('write') ? 'write' : 'read';
  for (let race = 1; ; race++) {
    const { entries, head } = await timeline.read({ onUndecodable: 'throw' });
    const states = entries.flatMap(({ message }) => (message?.kind === 'state' ? [message.state as object] : []));
    const settings = states.find((state) => 'secret' in state) as StoredSettings | undefined;
    if (settings) {
      const { mode, secret } = settings;
      const reads = states.some((state) => 'reads' in state);
      if (modes.includes('read') && !reads)
        await timeline.append({ kind: 'state', state: { reads: true } }, { key: 'reads' });
      const mayUseReadMode = modes.includes('read') || mode === 'read' || reads;
      const { epoch: stateEpoch } = head;
      const life = tagOf(`${stateEpoch} ${syncEpoch} ${storeEpoch}`);
      return { defaultMode: mode, mayUseReadMode, secret, life, stateEpoch, syncEpoch, storeEpoch };
    }
    const state: StoredSettings = { mode: preferred, secret: randomUUID() };
    const isLost = await timeline.append({ kind: 'state', state }, { key: 'initial' }).then(() => false, isKeyConflict);
    if (isLost || race > 1) await pauseAfterRace(race, 'the settings of the library', closing);
  }
}

/** Resolves with `false` if one of the libraries has another epoch than the settings say. */
export async function isCurrentLife<M>({ store, sync, state }: Libraries<M>, known: LibrarySettings): Promise<boolean> {
  const [stateHead, syncHead, storeHead] = await Promise.all([
    state.timeline(timelineOf.settings).head(),
    sync.timeline(timelineOf.life).head(),
    state === store ? { epoch: '' } : store.timeline(timelineOf.life).head(),
  ]);
  const { stateEpoch, syncEpoch, storeEpoch } = known;
  return stateHead.epoch === stateEpoch && syncHead.epoch === syncEpoch && storeHead.epoch === storeEpoch;
}

/** Returns the epoch of a Timeline of the library that is there from the beginning on. */
async function epochOf<E>(library: TimelineStore<E>, first: E): Promise<string> {
  const timeline = library.timeline(timelineOf.life);
  const { epoch } = await timeline.head();
  if (epoch !== '') return epoch;
  await timeline.append(first, { key: 'first' });
  return (await timeline.head()).epoch;
}

function isKeyConflict(error: unknown): true {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
  return true;
}
