import type { Attempts } from './attempts.js';
import type { Deliveries } from './deliveries.js';
import type { Host, World } from './world.js';

/** A join or leave that was acknowledged. */
export interface MemberChange {
  readonly conversation: string;
  readonly seqId: bigint;
  readonly by: string | undefined;
}

/** Lets users join and leave, and records what was acknowledged. */
export class MemberCommands {
  readonly changes: MemberChange[] = [];
  readonly #world: World;
  readonly #attempts: Attempts;
  readonly #deliveries: Deliveries;
  /** The members of each conversation, as far as acknowledged. */
  readonly #members: ReadonlyMap<string, Set<string>>;

  constructor(world: World, attempts: Attempts, deliveries: Deliveries) {
    this.#world = world;
    this.#attempts = attempts;
    this.#deliveries = deliveries;
    const everyone = world.setting.directory === 'listed' ? world.users : [];
    this.#members = new Map(world.conversations.map((conversation) => [conversation, new Set(everyone)]));
  }

  async change(
    host: Host,
    kind: 'join' | 'leave',
    conversation: string,
    user: string,
    by?: string | undefined,
  ): Promise<void> {
    const members = this.#members.get(conversation)!;
    if (kind === 'leave') members.delete(user);
    const outcome = await this.#attempts.run(host, `${kind} ${user} ${conversation}`, () =>
      host.sync[kind](conversation, user, { by }),
    );
    if (!outcome) return;
    if (kind === 'join') members.add(user);
    this.changes.push({ conversation, seqId: outcome.value.seqId, by });
    this.#deliveries.expect(host, conversation, outcome.value);
  }

  /** A new process chooses the mode again, and a join of a present member makes all processes do so. */
  async wish(host: Host, conversation: string, mode: 'write' | 'read'): Promise<void> {
    this.#world.wishes.set(conversation, mode);
    if (this.#world.setting.directory === 'listed') return this.#world.replace(host);
    const [member] = this.#members.get(conversation)!;
    if (member !== undefined) await this.change(host, 'join', conversation, member);
  }
}
