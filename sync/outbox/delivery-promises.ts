import type { TimelineError } from '../../src/index.js';
import type { DeliveryReport } from '../inbox/backlog.js';
import type { Delivery } from '../types.js';

/** Reports kept for callers that ask after the delivery. */
const MAX_REPORTS = 1000;

interface DeliveryPromise {
  readonly seqId: bigint;
  readonly resolve: (delivery: Delivery) => void;
  readonly reject: (error: TimelineError) => void;
}

/** The `delivered` promises of one conversation that are still open. */
export class DeliveryPromises {
  #open: DeliveryPromise[] = [];

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  /** Resolves once every recipient has this entry and all before it. */
  add(seqId: bigint): Promise<Delivery> {
    return new Promise((resolve, reject) => this.#open.push({ seqId, resolve, reject }));
  }

  /** Resolves the promises of entries up to `through`. */
  resolve(through: bigint, deliveryOf: (seqId: bigint) => Delivery): void {
    for (const { seqId, resolve } of this.#take((promise) => promise.seqId <= through)) resolve(deliveryOf(seqId));
  }

  /** Rejects the promises of entries after `after`, up to `through`: these will not be delivered. */
  reject(after: bigint, through: bigint, error: TimelineError): void {
    for (const { reject } of this.#take(({ seqId }) => seqId > after && seqId <= through)) reject(error);
  }

  rejectAll(error: TimelineError): void {
    for (const { reject } of this.#open.splice(0)) reject(error);
  }

  #take(isTaken: (promise: DeliveryPromise) => boolean): DeliveryPromise[] {
    const taken = this.#open.filter(isTaken);
    if (taken.length > 0) this.#open = this.#open.filter((promise) => !isTaken(promise));
    return taken;
  }
}

/** The reports of the newest entries that this process has fanned out. */
export class RecentReports {
  readonly #reports = new Map<bigint, DeliveryReport>();
  #last: DeliveryReport | undefined;

  /** The size of the last fan-out. */
  get lastRecipients(): number {
    return this.#last?.recipients ?? 0;
  }

  add(seqId: bigint, report: DeliveryReport | undefined): void {
    if (!report) return;
    this.#last = report;
    this.#reports.set(seqId, report);
    for (const old of this.#reports.keys()) {
      if (this.#reports.size <= MAX_REPORTS) break;
      this.#reports.delete(old);
    }
  }

  deliveryOf(seqId: bigint): Delivery {
    const { recipients, refused } = this.#reports.get(seqId) ?? { recipients: 0, refused: [] };
    return { recipients, refused: [...refused] };
  }
}
