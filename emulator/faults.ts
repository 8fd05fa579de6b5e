import { errorOfCode, type ServiceError } from './errors.js';

/**
 * An injected failure.
 *
 * @example
 * ```ts
 * emulator.inject({ operations: ['PutRow'], when: 'after', effect: 'silence', times: 1 });
 * ```
 */
export interface Fault {
  /** Affected operations, such as `'PutRow'`. Default: all. */
  readonly operations?: readonly string[];
  /** Fails `'before'` or `'after'` the request is executed. */
  readonly when: 'before' | 'after';
  /**
   * `'error'` sends an error response. `'silence'` sends nothing and keeps the connection open. `'reset'` breaks the
   * connection. `'rows'` fails single rows of BatchWriteRow and BatchGetRow within a successful response.
   */
  readonly effect: 'error' | 'silence' | 'reset' | 'rows';
  /** Error code of the service. Default `'OTSServerBusy'` before execution, `'OTSTimeout'` after. */
  readonly code?: string;
  /** Probability per request, or per row for `'rows'`. Default 1. */
  readonly probability?: number;
  /** Maximum number of failures. Default: no limit. */
  readonly times?: number;
}

export class Faults {
  readonly #random: () => number;
  readonly #active = new Set<{ readonly fault: Fault; left: number }>();

  constructor(random: () => number, faults: readonly Fault[]) {
    this.#random = random;
    for (const fault of faults) this.inject(fault);
  }

  /** Adds a fault; returns a function that removes it. */
  inject(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#active.add(entry);
    return () => this.#active.delete(entry);
  }

  /** Returns the fault that this request gets at this point, if any. */
  faultFor(operation: string, when: Fault['when']): Fault | undefined {
    return this.#draw(operation, when, false);
  }

  /** Returns the injected error of one row of a batch, if any. */
  rowErrorFor(operation: string, when: Fault['when']): ServiceError | undefined {
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
