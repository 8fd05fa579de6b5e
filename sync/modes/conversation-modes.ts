import type { TimelineStore } from '../../src/index.js';
import { type KnownHead, keptThrough, tagOf } from '../shared/epochs.js';
import { keptEntries } from '../shared/kept-entries.js';
import type { LibrarySettings } from '../shared/library-settings.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Mode, Stored } from '../types.js';

/** The mode of a conversation, and the SeqId of the marker that set it; 0n without a marker. */
export interface EffectiveMode {
  readonly mode: Mode;
  readonly since: bigint;
  /** Recorded again behind entries that are gone: the SeqId since which the conversation has had the mode. */
  readonly heldSince?: bigint | undefined;
}

/** The SeqId since which the conversation has had the mode without a change. */
export function heldSince(mode: EffectiveMode): bigint {
  return mode.heldSince ?? mode.since;
}

interface ModeRecord {
  readonly mode: Mode;
  readonly at: string;
  readonly phase: 'begun' | 'done';
  /** Of `begun`: key of the marker in inboxes. */
  readonly marker?: string;
  /** As in {@link EffectiveMode}. */
  readonly heldSince?: string;
  /** Tag of the conversation's epoch. */
  readonly epoch: number;
}

const PAGE = 1000;

/** The mode changes of a conversation that all inboxes know of, oldest first. */
export interface ModeHistory {
  readonly modes: readonly EffectiveMode[];
  /** `true` if older changes were trimmed, as the fan-out position had passed them. */
  readonly isTrimmed: boolean;
}

/**
 * Reads the mode changes that the fan-out position has not passed long ago. `head` of the conversation tells which of
 * them it has lost: the state library may be of a later time.
 */
export async function readModes<M>(
  state: TimelineStore<Stored<M>>,
  conversation: string,
  head: KnownHead,
): Promise<ModeHistory> {
  const changes = await readChanges(state, conversation, head);
  return { modes: changes.records, isTrimmed: changes.isTrimmed };
}

/** Trims the changes that no fan-out needs, as it starts at `deliveredThrough` or later. */
export async function compactModes<M>(
  state: TimelineStore<Stored<M>>,
  conversation: string,
  deliveredThrough: bigint,
  head: KnownHead,
): Promise<void> {
  if (!state.capabilities.trim) return;
  const { records } = await readChanges(state, conversation, head);
  const first = records.filter(({ since }) => since <= deliveredThrough).at(-1);
  if (first && first.recordedAt > 1n)
    await state.timeline(timelineOf.modes(conversation)).trim({ through: first.recordedAt - 1n });
}

interface RecordedMode extends RecordedChange {
  /** SeqId of the record. */
  readonly recordedAt: bigint;
}

async function readChanges<M>(
  state: TimelineStore<Stored<M>>,
  conversation: string,
  head: KnownHead,
): Promise<{ readonly records: readonly RecordedMode[]; readonly isTrimmed: boolean }> {
  const records: RecordedMode[] = [];
  let isTrimmed = false;
  const timeline = state.timeline(timelineOf.modes(conversation));
  for await (const { entries, truncated } of timeline.pages({ after: 0n, pageSize: PAGE, ...lenient })) {
    isTrimmed ||= truncated !== undefined;
    for (const { message, seqId } of entries) {
      const found = decodeMode(message);
      if (!found?.isDone || !isKept(found, head)) continue;
      if (found.since > (records.at(-1)?.since ?? 0n)) records.push({ ...found, recordedAt: seqId });
    }
  }
  return { records, isTrimmed };
}

/** A change of mode as it was recorded. */
export interface RecordedChange extends EffectiveMode {
  /** `false`: some inboxes may lack the marker. */
  readonly isDone: boolean;
  /** Key of the marker in inboxes. Absent if inboxes get none. */
  readonly markerKey?: string | undefined;
  /** Tag of the conversation's epoch when it was recorded. */
  readonly epoch: number;
}

/** A change of the present epoch counts, be the head older than the record. */
function isKept({ since, epoch }: RecordedChange, head: KnownHead): boolean {
  return epoch === tagOf(head.epoch) || since <= keptThrough(head, epoch);
}

/** Reads the changes of the conversation's entries after `after`, up to `through`, in their order. */
export async function changesBetween<M>(
  state: TimelineStore<Stored<M>>,
  conversation: string,
  { after, through }: { readonly after: bigint; readonly through: bigint },
  head: KnownHead,
): Promise<RecordedChange[]> {
  const found = new Map<bigint, RecordedChange>();
  for await (const { message } of keptEntries(state.timeline(timelineOf.modes(conversation)), { after: 0n })) {
    const change = decodeMode(message);
    if (!change || change.since <= after || change.since > through || !isKept(change, head)) continue;
    if (change.isDone || !found.get(change.since)?.isDone) found.set(change.since, change);
  }
  return [...found.values()].sort((a, b) => (a.since < b.since ? -1 : 1));
}

/**
 * Records a mode change: `begun` before the first inbox gets the marker, `done` once every inbox has it. Only `done`
 * changes count. Idempotent.
 */
export async function recordMode<M>(
  state: TimelineStore<Stored<M>>,
  conversation: string,
  { mode, since, isDone, markerKey, heldSince: held, epoch }: RecordedChange,
): Promise<void> {
  const phase = isDone ? 'done' : 'begun';
  const record: ModeRecord = {
    ...{ mode, at: String(since), phase, epoch },
    ...(markerKey !== undefined && { marker: markerKey }),
    ...(held !== undefined && held !== since && { heldSince: String(held) }),
  };
  const message = { kind: 'state', state: record } as const;
  await state
    .timeline(timelineOf.modes(conversation))
    .append(message, { key: `${phase}:${since}.${epoch.toString(36)}` });
}

/**
 * The mode that a conversation has had since `since`. With `isDone: false` some inboxes have the marker, and others do
 * not yet.
 */
export interface CurrentMode {
  readonly mode: Mode;
  readonly since: bigint;
  readonly isDone: boolean;
  /** Epoch of the conversation. */
  readonly epoch: string;
}

/** A process that died may add a record of an older change late: the newest change is among the last records. */
const LAST_RECORDS = 3;

/**
 * Reads the current modes of many conversations in one round trip; `undefined` for a conversation that never had an
 * entry and could still start in either mode. A conversation whose first entry ever is a marker has had that mode from
 * the start, recorded or not.
 */
export async function currentModes<M>(
  {
    store,
    state,
    settings,
  }: {
    readonly store: TimelineStore<Stored<M>>;
    readonly state: TimelineStore<Stored<M>>;
    readonly settings: () => Promise<LibrarySettings>;
  },
  conversations: readonly string[],
): Promise<(CurrentMode | undefined)[]> {
  if (conversations.length === 0) return [];
  const [{ defaultMode }, records, firsts] = await Promise.all([
    settings(),
    state.readBatch(
      conversations.map((each) => ({ timeline: timelineOf.modes(each), reverse: true, limit: LAST_RECORDS })),
      lenient,
    ),
    store.readBatch(
      conversations.map((timeline) => ({ timeline, after: 0n, limit: 1 })),
      lenient,
    ),
  ]);
  const newest = await Promise.all(
    conversations.map(async (conversation, i) => {
      const { head } = firsts[i] as (typeof firsts)[number];
      const changes = (records[i]?.entries ?? []).flatMap(({ message }) => decodeMode(message) ?? []);
      if (changes.every((change) => isKept(change, head))) return newestOf(changes);
      const all = await changesBetween(state, conversation, { after: 0n, through: head.lastSeqId }, head);
      return newestOf(all);
    }),
  );
  return conversations.map((_, i) => {
    const { entries, truncated, head } = firsts[i] as (typeof firsts)[number];
    const { epoch } = head;
    const recorded = newest[i];
    if (recorded) {
      const { mode, isDone } = recorded;
      return { mode, since: heldSince(recorded), isDone, epoch };
    }
    const first = truncated ? undefined : entries[0];
    if (first?.message?.kind === 'mode') return { mode: first.message.mode, since: first.seqId, isDone: true, epoch };
    // Not `entries`: all of them may have expired.
    const hasBegun = head.lastSeqId > 0n;
    return hasBegun || defaultMode === 'read' ? { mode: defaultMode, since: 0n, isDone: true, epoch } : undefined;
  });
}

function newestOf(changes: readonly RecordedChange[]): RecordedChange | undefined {
  let newest: RecordedChange | undefined;
  for (const change of changes) {
    const isNewer = newest === undefined || change.since > newest.since;
    if (isNewer || (change.since === newest?.since && change.isDone)) newest = change;
  }
  return newest;
}

function decodeMode(message: Stored<unknown> | undefined): RecordedChange | undefined {
  if (message?.kind !== 'state') return undefined;
  const { mode, at, phase, marker, heldSince: held, epoch } = message.state as ModeRecord;
  const record = { mode, since: BigInt(at), isDone: phase === 'done', markerKey: marker, epoch };
  return { ...record, heldSince: held === undefined ? undefined : BigInt(held) };
}
