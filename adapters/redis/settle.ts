import type { LibraryContext } from './library.js';
import { SETTLE } from './scripts/settle.js';

type Cut = readonly ['through' | 'keepLast', string];

/** Brings the states of Timelines up to what has expired, was trimmed or was lost; see the script. */
export class Settler {
  constructor(private readonly library: LibraryContext) {}

  /** Resolves with the Timelines where more is to be removed. */
  async settle(timelines: readonly string[], cut?: Cut): Promise<string[]> {
    const { keys, connections } = this.library;
    const slots = new Map<number, string[]>();
    for (const timeline of new Set(timelines)) {
      const slot = keys.slot(timeline);
      slots.set(slot, [...(slots.get(slot) ?? []), timeline]);
    }
    const more: string[] = [];
    const scripts = [...slots.values()].map(async (group) => {
      const declared = group.map((timeline) => keys.declare(timeline, ['m', 'u']));
      const args = [this.library.born(), this.library.cutoffArgument(), declared[0]?.length ?? 1, ...(cut ?? [])];
      const answers = (await connections.change(SETTLE, declared.flat(), args)) as unknown[];
      more.push(...group.filter((_, i) => Number(answers[i]) === 1));
    });
    await Promise.all(scripts);
    return more;
  }

  async trim(timeline: string, cut: { readonly through: bigint } | { readonly keepLast: number }): Promise<void> {
    const how: Cut = 'through' in cut ? ['through', String(cut.through)] : ['keepLast', String(cut.keepLast)];
    let left = await this.settle([timeline], how);
    while (left.length > 0) left = await this.settle(left);
  }
}
