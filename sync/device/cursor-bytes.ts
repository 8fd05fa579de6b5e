import type { ConversationPosition } from './conversation-position.js';

const HAS_FOLLOWED_THROUGH = 1n;
const HAS_MEMBER_SINCE = 2n;
const HAS_LEFT = 4n;
const HAS_OWN_EPOCH = 8n;
const HAS_GONE_BEFORE = 16n;
const MAY_COME_LATE = 32n;
const IS_OVER = 64n;
const EPOCH_BYTES = 4;

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** Writes the content of a cursor: numbers as base-128 varints, texts with their length in front. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  number(value: bigint | number): this {
    let rest = BigInt(value);
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
    return this;
  }

  bytes(value: Iterable<number>): this {
    for (const byte of value) this.#bytes.push(byte);
    return this;
  }

  append(other: ByteWriter): this {
    return this.bytes(other.#bytes);
  }

  text(value: string): this {
    const encoded = Buffer.from(value);
    return this.number(encoded.length).bytes(encoded);
  }

  /** Packs the UUID that some stores have as epoch. */
  cursor(value: string): this {
    const [uuid] = UUID.exec(value) ?? [];
    if (uuid === undefined) return this.number(0).text(value);
    const start = value.indexOf(uuid);
    this.number(start + 1).bytes(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
    return this.text(value.slice(0, start) + value.slice(start + uuid.length));
  }

  epoch(tag: number): this {
    return this.bytes([tag >>> 24, (tag >>> 16) & 0xff, (tag >>> 8) & 0xff, tag & 0xff]);
  }

  /**
   * Of most positions, flags take one bit of the first number. `usualEpoch` is that of most positions of the cursor,
   * which take no bytes for it.
   */
  position(position: ConversationPosition, usualEpoch: number): this {
    const { epoch, deliveredThrough, followedThrough, memberSince, goneBefore } = position;
    let flags = position.hasLeft ? HAS_LEFT : 0n;
    if (position.mayComeLate) flags |= MAY_COME_LATE;
    if (position.isOver) flags |= IS_OVER;
    if (epoch !== usualEpoch) flags |= HAS_OWN_EPOCH;
    if (goneBefore !== undefined) flags |= HAS_GONE_BEFORE;
    if (followedThrough !== undefined) flags |= HAS_FOLLOWED_THROUGH;
    if (memberSince !== undefined) flags |= HAS_MEMBER_SINCE;
    this.number((deliveredThrough << 1n) | (flags === 0n ? 0n : 1n));
    if (flags !== 0n) this.number(flags);
    if (followedThrough !== undefined) this.number(followedThrough);
    if (memberSince !== undefined) this.number(memberSince);
    if (goneBefore !== undefined) this.number(goneBefore);
    return epoch === usualEpoch ? this : this.epoch(epoch);
  }

  toBase64(): string {
    return Buffer.from(this.#bytes).toString('base64url');
  }
}

/** Returns the bytes that {@link ByteWriter.position} writes. */
export function sizeOfPosition(position: ConversationPosition, usualEpoch: number): number {
  const { epoch, deliveredThrough, followedThrough, memberSince, goneBefore } = position;
  const { hasLeft, mayComeLate, isOver } = position;
  const hasNumbers = (followedThrough ?? memberSince ?? goneBefore) !== undefined;
  let size = sizeOfNumber(deliveredThrough << 1n);
  if (epoch !== usualEpoch || hasLeft || mayComeLate || isOver || hasNumbers) size++;
  if (followedThrough !== undefined) size += sizeOfNumber(followedThrough);
  if (memberSince !== undefined) size += sizeOfNumber(memberSince);
  if (goneBefore !== undefined) size += sizeOfNumber(goneBefore);
  if (epoch !== usualEpoch) size += EPOCH_BYTES;
  return size;
}

function sizeOfNumber(value: bigint): number {
  let size = 1;
  for (let limit = 0x80n; value >= limit; limit <<= 7n) size++;
  return size;
}

/** Reads what a {@link ByteWriter} wrote. Throws a `RangeError` at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Buffer;
  #index = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'base64url');
  }

  get isAtEnd(): boolean {
    return this.#index >= this.#bytes.length;
  }

  number(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const [byte = 0] = this.bytes(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  bytes(count: number): Buffer {
    const end = this.#index + count;
    if (end > this.#bytes.length) throw new RangeError('the cursor is cut off');
    const found = this.#bytes.subarray(this.#index, end);
    this.#index = end;
    return found;
  }

  text(): string {
    return this.bytes(Number(this.number())).toString();
  }

  cursor(): string {
    const start = Number(this.number()) - 1;
    if (start < 0) return this.text();
    const uuid = this.bytes(16)
      .toString('hex')
      .replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
    const rest = this.text();
    return rest.slice(0, start) + uuid + rest.slice(start);
  }

  epoch(): number {
    return this.bytes(EPOCH_BYTES).readUInt32BE(0);
  }

  position(usualEpoch: number): ConversationPosition {
    const first = this.number();
    const flags = first & 1n ? this.number() : 0n;
    const position = {
      deliveredThrough: first >> 1n,
      ...(flags & HAS_FOLLOWED_THROUGH && { followedThrough: this.number() }),
      ...(flags & HAS_MEMBER_SINCE && { memberSince: this.number() }),
      ...(flags & HAS_GONE_BEFORE && { goneBefore: this.number() }),
      ...(flags & HAS_LEFT && { hasLeft: true as const }),
      ...(flags & MAY_COME_LATE && { mayComeLate: true as const }),
      ...(flags & IS_OVER && { isOver: true as const }),
    };
    return { ...position, epoch: flags & HAS_OWN_EPOCH ? this.epoch() : usualEpoch };
  }
}
