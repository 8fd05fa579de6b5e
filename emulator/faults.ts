import { errorOfCode, type ServiceError } from './errors.js';

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Operations it strikes, such as `'PutRow'`. Absent: all. */
  readonly operations?: readonly string[];
  /** `'before'`: nothing was executed; `'after'`: everything was. */
  readonly when: 'before' | 'after';
  /**
   * `'error'`: an error response. `'silence'`: no response, the connection stays open. `'reset'`: the connection breaks.
   * `'rows'`: single rows of BatchWriteRow and BatchGetRow fail, within a response that is otherwise fine.
   */
  readonly effect: 'error' | 'silence' | 'reset' | 'rows';
  /** Code of the error. Default: `'OTSServerBusy'` before execution, `'OTSTimeout'` after. */
  readonly code?: string;
  /** Chance per request, or per row for `'rows'`. Default 1. */
  readonly probability?: number;
  /** How often it strikes in all. Default: no limit. */
  readonly times?: number;
}

export class Faults {
  readonly #random: () => number;
  readonly #active = new Set<{ readonly fault: Fault; left: number }>();

  constructor(random: () => number, faults: readonly Fault[]) {
    this.#random = random;
    for (const fault of faults) this.inject(fault);
  }

  /** Adds a fault; the function it returns takes it away. */
  inject(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#active.add(entry);
    return () => this.#active.delete(entry);
  }

  /** The fault that strikes this request at this moment, if any. */
  strike(operation: string, when: Fault['when']): Fault | undefined {
    return this.#draw(operation, when, false);
  }

  /** The error of one row of a batch, if a fault strikes it. */
  strikeRow(operation: string, when: Fault['when']): ServiceError | undefined {
    const fault = this.#draw(operation, when, true);
    return fault && faultError(fault);
  }

  #draw(operation: string, when: Fault['when'], rows: boolean): Fault | undefined {
    for (const entry of this.#active) {
      const { fault } = entry;
      if (fault.when !== when || (fault.effect === 'rows') !== rows) continue;
      if (fault.operations && !fault.operations.includes(operation)) continue;
      if (this.#random() >= (fault.probability ?? 1)) continue;
      if (--entry.left <= 0) this.#active.delete(entry);
      return fault;
    }
    return undefined;
  }
}

export function faultError(fault: Fault): ServiceError {
  return errorOfCode(fault.code ?? (fault.when === 'before' ? 'OTSServerBusy' : 'OTSTimeout'));
}
