import type { AdapterCheckpoints, CheckpointKey, Position } from './adapter.js';
import { checkPositions } from './adapter-shape.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { invalidArgument } from './errors.js';
import type { Operation } from './operation.js';
import { ABORTABLE, checkOptions } from './options.js';
import { checkPosition, checkSeqId, isDecimal } from './range.js';
import type { Session } from './session.js';
import { checkText, describeValue } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Abortable, Checkpoint, Cursor, SeqIdLike } from './types.js';

const MAX_READER_BYTES = 255;

interface Named {
  readonly ref: TimelineRef;
  readonly reader: string;
}

export function checkReader(reader: unknown, argument = 'reader'): string {
  return checkText(reader, argument, MAX_READER_BYTES);
}

function keyOf({ ref, reader }: Named): CheckpointKey {
  return { timeline: ref.encoded, reader };
}

function operationOn(items: readonly Named[]): Operation {
  return items.length === 1 ? { name: 'checkpoint of', timeline: items[0]!.ref.encoded } : { name: 'checkpoints' };
}

function adapterOf(session: Session): AdapterCheckpoints {
  session.checkSupported('checkpoints');
  return session.library.checkpoints as AdapterCheckpoints;
}

export async function readCheckpoints(
  session: Session,
  items: readonly Named[],
  signal: AbortSignal | undefined,
): Promise<(Cursor | undefined)[]> {
  const adapter = adapterOf(session);
  if (items.length === 0) return [];
  const answer = await session.read((call) => adapter.get(items.map(keyOf), call), signal, operationOn(items));
  const positions = checkPositions(session.capabilities.adapter, 'get', answer, items.length);
  return items.map(({ ref }, i) => {
    const position = positions[i];
    return position && encodeCursor(ref, position.epoch, position.seqId);
  });
}

export async function advanceCheckpoints(
  session: Session,
  items: readonly (Named & { readonly to: Cursor })[],
  signal: AbortSignal | undefined,
): Promise<Cursor[]> {
  const adapter = adapterOf(session);
  session.checkWritable();
  // A cursor from before the Timeline had an epoch lies before every entry, so it cannot advance a position.
  const moves = items.map((item, i) => ({ ...keyOf(item), ...decodeCursor(item.ref, item.to, `items[${i}].to`) }));
  const real = moves.filter((move) => move.epoch !== '');
  const operation = operationOn(items);
  const answer: readonly Position[] =
    real.length === 0
      ? []
      : await session.write((call) => adapter.advance(real, call), { idempotent: true, operation }, signal);
  const stands = checkPositions(session.capabilities.adapter, 'advance', answer, real.length);
  let next = 0;
  return items.map(({ ref, to }, i) => {
    if (moves[i]?.epoch === '') return to;
    const position = stands[next++] as Position;
    return encodeCursor(ref, position.epoch, position.seqId);
  });
}

export class TimelineCheckpoint implements Checkpoint {
  readonly reader: string;
  readonly #session: Session;
  readonly #ref: TimelineRef;

  constructor(session: Session, ref: TimelineRef, reader: string) {
    this.reader = checkReader(reader);
    this.#session = session;
    this.#ref = ref;
  }

  async get(options?: Abortable): Promise<Cursor | undefined> {
    const { signal } = checkOptions(options, ABORTABLE);
    const [cursor] = await readCheckpoints(this.#session, [this.#named], signal);
    return cursor;
  }

  async advance(to: Cursor | SeqIdLike, options?: Abortable): Promise<Cursor> {
    const { signal } = checkOptions(options, ABORTABLE);
    const cursor = await this.#cursor(to, signal);
    const [stands] = await advanceCheckpoints(this.#session, [{ ...this.#named, to: cursor }], signal);
    return stands as Cursor;
  }

  async reset(to: Cursor | SeqIdLike | undefined, options?: Abortable): Promise<void> {
    const { signal } = checkOptions(options, ABORTABLE);
    const adapter = adapterOf(this.#session);
    this.#session.checkWritable();
    const position =
      to === undefined || to === null ? undefined : decodeCursor(this.#ref, await this.#cursor(to, signal), 'to');
    const item = { ...keyOf(this.#named), position: position?.epoch === '' ? undefined : position };
    const operation = operationOn([this.#named]);
    await this.#session.write((call) => adapter.reset([item], call), { idempotent: true, operation }, signal);
  }

  get #named(): Named {
    return { ref: this.#ref, reader: this.reader };
  }

  /** Assigns a bare SeqId, which has no epoch, to the current one if the Timeline reaches that far. */
  async #cursor(to: Cursor | SeqIdLike, signal: AbortSignal | undefined): Promise<Cursor> {
    if (typeof to === 'string' && !isDecimal(to)) return to;
    if (typeof to !== 'bigint' && typeof to !== 'string')
      throw invalidArgument('to', `must be a cursor or a SeqId, not ${describeValue(to)}`);
    const seqId = checkSeqId(to, 'to', 0n);
    const [head] = await this.#session.readHeads([this.#ref.encoded], signal, operationOn([this.#named]));
    if (!head) return encodeCursor(this.#ref, '', 0n);
    checkPosition(this.#ref, head, { epoch: head.epoch, seqId });
    return encodeCursor(this.#ref, head.epoch, seqId);
  }
}
