/** Positions of the channel's readers, asked for while the channel is shown. */
import type { ReaderPositions } from '../../shared/inspection.js';
import type { App } from './app.js';

const EVERY_MS = 500;

export class Readers {
  positions: ReaderPositions | undefined;
  readonly #app: App;
  #isAsking = false;

  constructor(app: App, isShown: () => boolean) {
    this.#app = app;
    setInterval(() => isShown() && void this.#ask(), EVERY_MS);
  }

  /** Members of the channel, Ann and Bob among them. */
  get members(): number {
    return this.positions === undefined ? this.#app.channelMembers : this.positions.total + 2;
  }

  /** Readers beside Ann and Bob who have read the entry. */
  readBy(seqId: bigint): number {
    let readers = 0;
    for (const [position, standing] of this.positions?.standing ?? [])
      if (BigInt(position) >= seqId) readers += standing;
    return readers;
  }

  /** Readers at the last entry; those behind it. */
  get atTail(): { readonly there: number; readonly behind: number } | undefined {
    if (this.positions === undefined) return undefined;
    const there = this.readBy(BigInt(this.positions.last));
    return { there, behind: this.positions.total - there };
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const positions = await this.#app.supervisor.get<ReaderPositions>('readers');
    this.#isAsking = false;
    if (positions === undefined || JSON.stringify(positions) === JSON.stringify(this.positions)) return;
    this.positions = positions;
    this.#app.changed();
  }
}
