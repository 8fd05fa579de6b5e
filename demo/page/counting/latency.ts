/** Times from the send of a message to the moment at which another device has it. */

export interface LatencySample {
  readonly sender: string;
  readonly ms: number;
}

interface Shown {
  readonly at: number;
  readonly liveSince: number;
}

/** Samples that the quantiles are of, and messages whose acknowledgement is still to come. */
const MOST_SAMPLES = 2000;

export class Latency {
  readonly #sentAt = new Map<string, { readonly at: number; readonly sender: string }>();
  /** Some devices get a message before its sender gets the answer. */
  readonly #shownAt = new Map<string, Shown[]>();
  readonly #samples: LatencySample[] = [];

  /** The send of `at`, on the clock of `performance.now()`, was stored as this entry. */
  sent(conversation: string, seqId: bigint, sender: string, at: number): void {
    const entry = `${seqId} ${conversation}`;
    keep(this.#sentAt, entry, { at, sender });
    for (const shown of this.#shownAt.get(entry) ?? []) this.#add(sender, at, shown);
    this.#shownAt.delete(entry);
  }

  /** A device that is live since `liveSince` has got the entry. It counts for nothing if it was away at the send. */
  shown(conversation: string, seqId: bigint, at: number, liveSince: number): void {
    const entry = `${seqId} ${conversation}`;
    const sent = this.#sentAt.get(entry);
    const shown = { at, liveSince };
    if (sent !== undefined) this.#add(sent.sender, sent.at, shown);
    else keep(this.#shownAt, entry, [...(this.#shownAt.get(entry) ?? []), shown]);
  }

  /** The newest samples, oldest first. */
  newest(most: number): readonly LatencySample[] {
    return this.#samples.slice(-most);
  }

  /** The middle and the slow end in milliseconds; `undefined` without samples. */
  quantiles(): { readonly p50: number; readonly p99: number } | undefined {
    if (this.#samples.length === 0) return undefined;
    const sorted = this.#samples.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    return { p50: at(0.5), p99: at(0.99) };
  }

  #add(sender: string, sentAt: number, { at, liveSince }: Shown): void {
    if (liveSince > sentAt) return;
    this.#samples.push({ sender, ms: Math.max(0, at - sentAt) });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }
}

function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size > MOST_SAMPLES) map.delete(map.keys().next().value!);
}
