import { isTimelineError } from '../../../src/errors.js';
import type { Attempts } from './attempts.js';
import type { Deliveries } from './deliveries.js';
import { drawExtras, type Extras } from './extras.js';
import type { AcknowledgedChange } from './page-reader.js';
import type { Host, World } from './world.js';

/** A send or an edit that may be repeated with the same key. */
export interface Operation {
  readonly kind: 'message' | 'edit';
  readonly conversation: string;
  readonly user: string;
  readonly key: string;
  readonly target: bigint;
  readonly by?: string | undefined;
  readonly extras?: Extras;
  /** Set once it was acknowledged. */
  seqId: bigint | undefined;
}

/** Sends, edits and recalls messages, and records what was acknowledged. */
export class MessageCommands {
  readonly operations: Operation[] = [];
  readonly #world: World;
  readonly #attempts: Attempts;
  readonly #deliveries: Deliveries;
  /** Of acknowledged recalls, the SeqId; of others, `undefined`. */
  readonly #recalls = new Map<string, AcknowledgedChange | undefined>();

  constructor(world: World, attempts: Attempts, deliveries: Deliveries) {
    this.#world = world;
    this.#attempts = attempts;
    this.#deliveries = deliveries;
  }

  /** Acknowledged messages. */
  get known(): Operation[] {
    return this.operations.filter(({ kind, seqId }) => kind === 'message' && seqId !== undefined);
  }

  /** Acknowledged edits and recalls of a conversation. */
  changesOf(conversation: string): readonly AcknowledgedChange[] {
    const edits = this.operations.filter((each) => each.kind === 'edit' && each.seqId !== undefined);
    const recalls = [...this.#recalls].filter(([target]) => target.endsWith(`@${conversation}`));
    return [
      ...edits
        .filter((each) => each.conversation === conversation)
        .map(({ target, seqId }) => ({ kind: 'edit' as const, target, seqId: seqId! })),
      ...recalls.flatMap(([, recall]) => recall ?? []),
    ];
  }

  async send(host: Host, name: string, sender: string): Promise<void> {
    const key = `m${this.operations.length}`;
    const known = this.known.filter(({ conversation }) => conversation === name).map(({ seqId }) => seqId!);
    const operation: Operation = {
      kind: 'message',
      extras: drawExtras(this.operations.length, this.#world.users, known),
      conversation: name,
      user: sender,
      key,
      target: 0n,
      seqId: undefined,
    };
    this.operations.push(operation);
    await this.operate(host, operation);
  }

  async operate(host: Host, operation: Operation): Promise<void> {
    const { kind, conversation, user: sender, key, target, by, extras, seqId: before } = operation;
    if (kind === 'edit' && this.#recalls.has(`${target}@${conversation}`)) return;
    const outcome = await this.#attempts.run(host, `${kind} ${key} of ${sender} to ${conversation}`, () =>
      kind === 'message'
        ? host.sync
            .send({ conversation, sender, body: key, key, ...extras })
            .catch(this.#excuseMissing(conversation, extras?.relatesTo ?? 0n))
        : host.sync.edit(conversation, target, key, { key, by }).catch(this.#excuseMissing(conversation, target)),
    );
    if (!outcome?.value) return;
    const { seqId, duplicate } = outcome.value;
    if (before !== undefined && (seqId !== before || !duplicate))
      this.#attempts.violations.push(
        `${key} was acknowledged as ${before} and, sent again, as ${seqId}, duplicate: ${duplicate}`,
      );
    operation.seqId = seqId;
    this.#deliveries.expect(host, conversation, outcome.value);
  }

  async amend(host: Host, kind: 'edit' | 'recall', message: number, by: string | undefined): Promise<void> {
    const { known } = this;
    const target = known[message % known.length];
    if (!target) return;
    const { conversation, user, seqId } = target;
    if (kind === 'edit') {
      const key = `e${this.operations.length}`;
      const operation: Operation = { kind, conversation, user, key, target: seqId!, by, seqId: undefined };
      this.operations.push(operation);
      return this.operate(host, operation);
    }
    const name = `${seqId}@${conversation}`;
    if (!this.#recalls.has(name)) this.#recalls.set(name, undefined);
    const outcome = await this.#attempts.run(host, `recall ${seqId} of ${conversation}`, () =>
      host.sync.recall(conversation, seqId!, { by }).catch(this.#excuseMissing(conversation, seqId!)),
    );
    if (!outcome?.value) return;
    this.#recalls.set(name, { kind: 'recall', target: seqId!, seqId: outcome.value.seqId });
    this.#deliveries.expect(host, conversation, outcome.value);
  }

  /** A message that was recalled, or is gone, cannot be changed. */
  #excuseMissing(conversation: string, target: bigint): (error: unknown) => undefined {
    return (error) => {
      const isMissing = isTimelineError(error) && error.code === 'TIMELINE_NOT_FOUND';
      const mayBeMissing =
        this.#recalls.has(`${target}@${conversation}`) || this.#world.records.mayBeGone(conversation, target);
      if (isMissing && mayBeMissing) return undefined;
      throw error;
    };
  }
}
