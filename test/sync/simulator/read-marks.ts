import type { Attempts } from './attempts.js';
import { openWindow, type Window } from './windows.js';
import type { Host, World } from './world.js';

/** A call of `markRead`. */
export interface ReadMark {
  readonly user: string;
  readonly conversation: string;
  readonly seqId: bigint;
  readonly begun: number;
  /** `undefined` without an answer. */
  ended: number | undefined;
  /** The position that stood at the end. */
  stands: bigint | undefined;
  /** Entries up to there were gone at the end. */
  goneThrough: bigint;
  window: Window;
}

/** Marks messages as read, and knows what others may be told of it. */
export class ReadMarks {
  readonly marks: ReadMark[] = [];
  /** By user and conversation, the furthest position that `markRead` or `readPositions` returned. */
  readonly furthest = new Map<string, bigint>();
  readonly #world: World;
  readonly #attempts: Attempts;
  #time = 0;

  constructor(world: World, attempts: Attempts) {
    this.#world = world;
    this.#attempts = attempts;
  }

  async mark(
    host: Host,
    user: string,
    { conversation, seqId }: { conversation: string; seqId: bigint },
  ): Promise<void> {
    const { setting } = this.#world;
    const mark: ReadMark = {
      ...{ user, conversation, seqId, begun: this.#time++, ended: undefined, stands: undefined, goneThrough: 0n },
      window: { appliedThrough: 0n, lastSeqId: undefined },
    };
    const close = setting.receipts ? await openWindow(this.#world, conversation) : undefined;
    this.marks.push(mark);
    const outcome = await this.#attempts.run(host, `read ${seqId} of ${conversation} by ${user}`, () =>
      host.sync.markRead(user, conversation, seqId),
    );
    if (!outcome) return;
    mark.ended = this.#time++;
    mark.stands = outcome.value;
    if (close) mark.window = await close();
    if (close) mark.goneThrough = (await this.#world.records.goneThrough([conversation])).get(conversation)!;
    if (outcome.value < seqId)
      this.#attempts.violations.push(`${user} marked ${seqId} of ${conversation} and ${outcome.value} stands`);
    this.reached(user, conversation, outcome.value);
  }

  /** Notes a position that stands: later ones are not before it. */
  reached(user: string, conversation: string, seqId: bigint): void {
    const key = `${user}@${conversation}`;
    if (seqId > (this.furthest.get(key) ?? 0n)) this.furthest.set(key, seqId);
  }

  of(user: string, conversation: string): ReadMark[] {
    return this.marks.filter((each) => each.user === user && each.conversation === conversation);
  }
}
