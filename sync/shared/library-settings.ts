import { randomUUID } from 'node:crypto';
import { isTimelineError, type TimelineStore } from '../../src/index.js';
import type { Mode, Stored } from '../types.js';
import { pauseAfterRace } from './contention.js';
import { timelineOf } from './names.js';

/** Settings that hold for a whole library, whichever process uses it. */
export interface LibrarySettings {
  /** The mode of conversations that have no mode marker. */
  readonly defaultMode: Mode;
  /** `true` if any conversation may be, or may once have been, in read mode. */
  readonly mayUseReadMode: boolean;
  /** Signs the cursors of devices. */
  readonly secret: string;
}

interface StoredSettings {
  readonly mode: Mode;
  readonly secret: string;
}

/**
 * Reads the settings of a library, or writes them on first use. Another diffusion that is configured later changes no
 * conversation that is there.
 */
export async function initializeSettings<M>(
  store: TimelineStore<Stored<M>>,
  modes: readonly Mode[],
  closing: AbortSignal,
): Promise<LibrarySettings> {
  const timeline = store.timeline(timelineOf.settings);
  const preferred: Mode = modes.includes('write') ? 'write' : 'read';
  for (let race = 1; ; race++) {
    const { entries } = await timeline.read({ onUndecodable: 'throw' });
    const states = entries.flatMap(({ message }) => (message?.kind === 'state' ? [message.state as object] : []));
    const settings = states.find((state) => 'secret' in state) as StoredSettings | undefined;
    if (settings) {
      const { mode, secret } = settings;
      const reads = states.some((state) => 'reads' in state);
      if (modes.includes('read') && !reads)
        await timeline.append({ kind: 'state', state: { reads: true } }, { key: 'reads' });
      return { defaultMode: mode, mayUseReadMode: modes.includes('read') || mode === 'read' || reads, secret };
    }
    const state: StoredSettings = { mode: preferred, secret: randomUUID() };
    const isLost = await timeline.append({ kind: 'state', state }, { key: 'initial' }).then(() => false, isKeyConflict);
    if (isLost || race > 1) await pauseAfterRace(race, 'the settings of the library', closing);
  }
}

function isKeyConflict(error: unknown): true {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
  return true;
}
