import type { TimelineStore } from '../../src/index.js';
import type { LibrarySettings } from '../shared/library-settings.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Mode, Stored } from '../types.js';

/** The mode of a conversation, and the SeqId of the marker that set it; 0n without a marker. */
export interface EffectiveMode {
  readonly mode: Mode;
  readonly since: bigint;
}

interface ModeRecord {
  readonly mode: Mode;
  readonly at: string;
  readonly phase: 'begun' | 'done';
}

const PAGE = 1000;

/** The mode changes of a conversation that all inboxes know of, oldest first. */
export interface ModeHistory {
  readonly modes: readonly EffectiveMode[];
  /** `true` if older changes were trimmed, as the fan-out position had passed them. */
  readonly isTrimmed: boolean;
}

/** Reads the mode changes that the fan-out position has not passed long ago. */
export async function readModes<M>(store: TimelineStore<Stored<M>>, conversation: string): Promise<ModeHistory> {
  const changes = await readChanges(store, conversation);
  return { modes: changes.records, isTrimmed: changes.isTrimmed };
}

/** Trims the changes that no fan-out needs, as it starts at `deliveredThrough` or later. */
export async function compactModes<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  deliveredThrough: bigint,
): Promise<void> {
  if (!store.capabilities.trim) return;
  const { records } = await readChanges(store, conversation);
  const first = records.filter(({ since }) => since <= deliveredThrough).at(-1);
  if (first && first.recordedAt > 1n)
    await store.timeline(timelineOf.modes(conversation)).trim({ through: first.recordedAt - 1n });
}

interface RecordedMode extends EffectiveMode {
  /** SeqId of the record. */
  readonly recordedAt: bigint;
}

async function readChanges<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
): Promise<{ readonly records: readonly RecordedMode[]; readonly isTrimmed: boolean }> {
  const records: RecordedMode[] = [];
  let isTrimmed = false;
  const timeline = store.timeline(timelineOf.modes(conversation));
  for await (const { entries, truncated } of timeline.pages({ after: 0n, pageSize: PAGE, ...lenient })) {
    isTrimmed ||= truncated !== undefined;
    for (const { message, seqId } of entries) {
      const found = decodeMode(message);
      if (found?.isDone && found.since > (records.at(-1)?.since ?? 0n))
        records.push({ mode: found.mode, since: found.since, recordedAt: seqId });
    }
  }
  return { records, isTrimmed };
}

/**
 * Records a mode change: `begun` before the first inbox gets the marker, `done` once every inbox has it. Only `done`
 * changes count. Idempotent.
 */
export async function recordMode<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  { mode, since }: EffectiveMode,
  phase: 'begun' | 'done',
): Promise<void> {
  const state: ModeRecord = { mode, at: String(since), phase };
  await store.timeline(timelineOf.modes(conversation)).append({ kind: 'state', state }, { key: `${phase}:${since}` });
}

/** A mode with `isDone: false` has its marker in some inboxes, and not yet in others. */
export interface CurrentMode extends EffectiveMode {
  readonly isDone: boolean;
}

/**
 * Reads the current modes of many conversations in one round trip; `undefined` for a conversation without entries that
 * could still start in either mode. A conversation whose first entry is a marker has had that mode from the start,
 * recorded or not.
 */
export async function currentModes<M>(
  { store, settings }: { readonly store: TimelineStore<Stored<M>>; readonly settings: () => Promise<LibrarySettings> },
  conversations: readonly string[],
): Promise<(CurrentMode | undefined)[]> {
  const [{ defaultMode }, pages] = await Promise.all([
    settings(),
    store.readBatch(
      conversations.flatMap((conversation) => [
        { timeline: timelineOf.modes(conversation), reverse: true, limit: 1 },
        { timeline: conversation, limit: 1 },
      ]),
      lenient,
    ),
  ]);
  return conversations.map((_, i) => {
    const recorded = decodeMode(pages[2 * i]?.entries[0]?.message);
    if (recorded) return recorded;
    const first = pages[2 * i + 1]?.entries[0];
    if (first?.message?.kind === 'mode') return { mode: first.message.mode, since: first.seqId, isDone: true };
    return first || defaultMode === 'read' ? { mode: defaultMode, since: 0n, isDone: true } : undefined;
  });
}

function decodeMode(message: Stored<unknown> | undefined): CurrentMode | undefined {
  if (message?.kind !== 'state') return undefined;
  const { mode, at, phase } = message.state as ModeRecord;
  return { mode, since: BigInt(at), isDone: phase === 'done' };
}
