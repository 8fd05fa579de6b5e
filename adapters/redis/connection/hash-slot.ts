const SLOTS = 16384;

/** CRC-16/XMODEM, by which Redis Cluster maps hash tags to slots. */
const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

/** The slot of every key with this hash tag. */
export function hashSlot(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) crc = ((crc << 8) ^ (CRC_TABLE[((crc >> 8) ^ byte) & 0xff] as number)) & 0xffff;
  return crc % SLOTS;
}

/** By the hash tag of the key, if it has one. */
export function slotOfKey(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return hashSlot(close > open + 1 ? key.slice(open + 1, close) : key);
}

export interface ChunkLimits<T> {
  readonly items?: number;
  /** A chunk takes no more items once their weights come to this. */
  readonly weight?: number;
  readonly weightOf?: (item: T) => number;
}

/** Splits items into chunks of one slot each: a script may name keys of one slot only. */
export function chunkBySlot<T>(
  items: Iterable<T>,
  slotOf: (item: T) => number,
  {
    items: most = Number.POSITIVE_INFINITY,
    weight: heaviest = Number.POSITIVE_INFINITY,
    weightOf,
  }: ChunkLimits<T> = {},
): T[][] {
  const open = new Map<number, { items: T[]; weight: number }>();
  const chunks: T[][] = [];
  for (const item of items) {
    const slot = slotOf(item);
    let chunk = open.get(slot);
    if (!chunk || chunk.items.length >= most || chunk.weight >= heaviest) {
      chunk = { items: [], weight: 0 };
      open.set(slot, chunk);
      chunks.push(chunk.items);
    }
    chunk.items.push(item);
    if (weightOf) chunk.weight += weightOf(item);
  }
  return chunks;
}
