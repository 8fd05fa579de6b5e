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
   * Names the life of the state library and of the sync library: another number once one of them was restored to an
   * earlier state. Positions of devices were stored in an earlier life then, and copies may be missing in inboxes.
   */
  readonly life: number;
  /** Epoch of the sync library, where it has one for all its Timelines. */
  readonly syncEpoch: string;
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
  { state: store, sync }: { readonly state: TimelineStore<Stored<M>>; readonly sync: TimelineStore<Synced<M>> },
  modes: readonly Mode[],
  closing: AbortSignal,
): Promise<LibrarySettings> {
  const timeline = store.timeline(timelineOf.settings);
  const syncEpoch = await epochOfInboxes(sync);
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
      return { defaultMode: mode, mayUseReadMode, secret, syncEpoch, life: tagOf(`${head.epoch} ${syncEpoch}`) };
    }
    const state: StoredSettings = { mode: preferred, secret: randomUUID() };
    const isLost = await timeline.append({ kind: 'state', state }, { key: 'initial' }).then(() => false, isKeyConflict);
    if (isLost || race > 1) await pauseAfterRace(race, 'the settings of the library', closing);
  }
}

/** Returns the epoch of a Timeline of the sync library that is there from the beginning on. */
async function epochOfInboxes<M>(sync: TimelineStore<Synced<M>>): Promise<string> {
  const timeline = sync.timeline(timelineOf.life);
  const { epoch } = await timeline.head();
  if (epoch !== '') return epoch;
  await timeline.append(FIRST_ENTRY, { key: 'first' });
  return (await timeline.head()).epoch;
}

function isKeyConflict(error: unknown): true {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
  return true;
}
