import { randomUUID } from 'node:crypto';
import { isTimelineError } from '../src/errors.js';
import type { TimelineStore } from '../src/types.js';
import type { Context } from './context.js';
import { timelineOf } from './names.js';
import type { Mode, Stored } from './types.js';

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
  for await (const { entries } of store.timeline(timelineOf.modes(conversation)).pages({ pageSize: PAGE })) {
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

/** Settled when a library is first used, so that a change of diffusion leaves what is there as it is. */
export async function settleBeginning<M>(store: TimelineStore<Stored<M>>, modes: readonly Mode[]): Promise<Beginning> {
  const timeline = store.timeline(timelineOf.beginning);
  const preferred: Mode = modes.includes('write') ? 'write' : 'read';
  for (;;) {
    const [first, reads] = (await timeline.read({ limit: 2 })).entries;
    if (first?.message?.kind === 'state') {
      const { mode, secret } = first.message.state as { mode: Mode; secret: string };
      if (modes.includes('read') && !reads) await timeline.append({ kind: 'state', state: { reads: true } }, { key: 'reads' });
      return { mode, mayBeRead: modes.includes('read') || mode === 'read' || reads !== undefined, secret };
    }
    await timeline
      .append({ kind: 'state', state: { mode: preferred, secret: randomUUID() } }, { key: 'initial' })
      .catch((error: unknown) => {
        if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
      });
  }
}

function decodeMode(message: Stored<unknown> | undefined): PresentMode | undefined {
  if (message?.kind !== 'state') return undefined;
  const { mode, at, phase } = message.state as Recorded;
  return { mode, at: BigInt(at), isDone: phase === 'done' };
}
