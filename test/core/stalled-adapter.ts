import { memoryAdapter } from '../../adapters/memory/index.js';
import type { AdapterLibrary, Call, TimelineAdapter, Write, WriteOutcome } from '../../src/adapter.js';

/** The memory adapter behind a gate: each call of `append` waits until the test lets it through. */
export class StalledAdapter implements TimelineAdapter {
  readonly name = 'stalled';
  readonly calls: (readonly Write[])[] = [];
  readonly #gates: (() => void)[] = [];
  readonly #maxInFlight: number;
  #arrival: (() => void) | undefined;

  constructor(options: { maxInFlight?: number } = {}) {
    this.#maxInFlight = options.maxInFlight ?? 1;
  }

  async open(options: Parameters<TimelineAdapter['open']>[0]): Promise<AdapterLibrary> {
    const library = await memoryAdapter().open(options);
    const append = async (writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> => {
      this.calls.push(writes);
      await new Promise<void>((resolve) => {
        this.#gates.push(resolve);
        this.#arrival?.();
      });
      return library.append(writes, call);
    };
    return Object.assign(Object.create(library) as AdapterLibrary, {
      maxInFlight: this.#maxInFlight,
      capabilities: library.capabilities,
      append,
      read: library.read.bind(library),
      heads: library.heads.bind(library),
      close: library.close.bind(library),
    });
  }

  /** Resolves when a call stands at the gate. */
  async arrived(): Promise<void> {
    while (this.#gates.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrival = resolve;
      });
    }
  }

  async release(): Promise<void> {
    await this.arrived();
    this.#gates.shift()?.();
  }
}
