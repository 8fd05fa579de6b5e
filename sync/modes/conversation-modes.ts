import { randomUUID } from 'node:crypto';
import { isTimelineError } from '../../src/errors.js';
import type { TimelineStore } from '../../src/types.js';
import { pauseAfterRace } from '../shared/contention.js';
import type { Context } from '../shared/context.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Mode, Stored } from '../types.js';

/** The mode that a conversation is in, and the SeqId of the marker that says so; 0n: none ever was. */
export interface ModeAt {
  readonly mode: Mode;
  readonly at: bigint;
}

interface Recorded {
  readonly mode: Mode;
  readonly at: string;
  readonly phase: 'begun' | 'done';
}

const PAGE = 1000;

/** Every change of mode that all inboxes have heard of, in order. */
export async function modesOf<M>(store: TimelineStore<Stored<M>>, conversation: string): Promise<ModeAt[]> {
  const modes: ModeAt[] = [];
  for await (const { entries } of store
    .timeline(timelineOf.modes(conversation))
    .pages({ pageSize: PAGE, ...lenient })) {
    for (const { message } of entries) {
      const found = decodeMode(message);
      if (found?.isDone && found.at > (modes.at(-1)?.at ?? 0n)) modes.push({ mode: found.mode, at: found.at });
    }
  }
  return modes;
}

/**
 * Keeps a change of mode. It is `begun` before the first inbox hears of it, and counts once every inbox has. Idempotent.
 */
export async function recordMode<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  { mode, at }: ModeAt,
  phase: 'begun' | 'done',
): Promise<void> {
  const state: Recorded = { mode, at: String(at), phase };
  await store.timeline(timelineOf.modes(conversation)).append({ kind: 'state', state }, { key: `${phase}:${at}` });
}

/** `isDone: false`: some inboxes have heard of it, others not yet. */
export interface PresentMode extends ModeAt {
  readonly isDone: boolean;
}

/**
 * The present modes of many conversations, in one round trip; `undefined` for one that has yet to begin. A conversation
 * that begins with a marker has been in its mode from the start, whether that was recorded or not.
 */
export async function presentModes<M>(
  { store, beginning }: Pick<Context<M>, 'store' | 'beginning'>,
  conversations: readonly string[],
): Promise<(PresentMode | undefined)[]> {
  const [{ mode }, pages] = await Promise.all([
    beginning(),
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
    if (first?.message?.kind === 'mode') return { mode: first.message.mode, at: first.seqId, isDone: true };
    return first || mode === 'read' ? { mode, at: 0n, isDone: true } : undefined;
  });
}

/** What holds for the library as a whole. */
export interface Beginning {
  /** Of conversations that never had a marker. */
  readonly mode: Mode;
  /** Some conversation may be, or have been, in read diffusion. */
  readonly mayBeRead: boolean;
  /** Signs the cursors of devices. */
  readonly secret: string;
}

/** Entries among which the settings are looked for: they are few, unless many have expired. */
const SETTINGS = 100;

interface Settings {
  readonly mode: Mode;
  readonly secret: string;
}

/**
 * Settled when a library is first used, so that a change of diffusion leaves what is there as it is. Settings that have
 * expired are settled anew: their key outlives them, so that the new ones have another, the same for all who do it.
 */
export async function settleBeginning<M>(
  store: TimelineStore<Stored<M>>,
  modes: readonly Mode[],
  closing: AbortSignal,
): Promise<Beginning> {
  const timeline = store.timeline(timelineOf.beginning);
  const preferred: Mode = modes.includes('write') ? 'write' : 'read';
  for (let race = 1; ; race++) {
    const { entries, head } = await timeline.read({ limit: SETTINGS, onUndecodable: 'throw' });
    const states = entries.flatMap(({ message }) => (message?.kind === 'state' ? [message.state as object] : []));
    const settings = states.find((state) => 'secret' in state) as Settings | undefined;
    if (settings) {
      const { mode, secret } = settings;
      const reads = states.some((state) => 'reads' in state);
      if (modes.includes('read') && !reads) {
        const key = `reads:${head.lastSeqId}`;
        await timeline.append({ kind: 'state', state: { reads: true } }, { key });
      }
      return { mode, mayBeRead: modes.includes('read') || mode === 'read' || reads, secret };
    }
    const key = head.lastSeqId === 0n ? 'initial' : `initial:${head.lastSeqId}`;
    const begun = timeline.append({ kind: 'state', state: { mode: preferred, secret: randomUUID() } }, { key });
    const isLost = await begun.then(() => false, isKeyConflict);
    if (isLost || race > 1) await pauseAfterRace(race, 'the settings of the library', closing);
  }
}

function isKeyConflict(error: unknown): true {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
  return true;
}

function decodeMode(message: Stored<unknown> | undefined): PresentMode | undefined {
  if (message?.kind !== 'state') return undefined;
  const { mode, at, phase } = message.state as Recorded;
  return { mode, at: BigInt(at), isDone: phase === 'done' };
}
