interface WalkedEntry {
  readonly seqId: bigint;
  readonly deleted: boolean;
  readonly message: { readonly kind: string };
}

/** Walks back over the last `count` messages. Returns the SeqId before the oldest, or `otherwise` if there are none. */
export async function beforeLastMessages(
  backwards: AsyncIterable<WalkedEntry>,
  count: number,
  otherwise: bigint,
): Promise<bigint> {
  let left = count;
  let first = otherwise;
  for await (const entry of backwards) {
    if (entry.deleted || entry.message.kind !== 'message') continue;
    first = entry.seqId - 1n;
    if (--left === 0) break;
  }
  return left === count ? otherwise : first;
}
