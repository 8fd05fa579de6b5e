import type { Attempts } from './attempts.js';
import type { ReadMarks } from './read-marks.js';
import { openWindow, type Window } from './windows.js';
import type { Host, World } from './world.js';

/** An answer of `members` or `isMember` about a user. */
export interface MembershipAnswer {
  readonly conversation: string;
  readonly user: string;
  readonly isMember: boolean;
  readonly window: Window;
}

/** Asks who is a member and what was read. */
export class Questions {
  readonly answers: MembershipAnswer[] = [];
  readonly #world: World;
  readonly #attempts: Attempts;
  readonly #marks: ReadMarks;

  constructor(world: World, attempts: Attempts, marks: ReadMarks) {
    this.#world = world;
    this.#attempts = attempts;
    this.#marks = marks;
  }

  /** Asks for one user, then for all members. */
  async members(host: Host, conversation: string, user: string): Promise<void> {
    const close = await openWindow(this.#world, conversation);
    const one = await this.#attempts.run(host, `is ${user} in ${conversation}`, () =>
      host.sync.isMember(conversation, user),
    );
    if (one) this.answers.push({ conversation, user, isMember: one.value, window: await close() });
    const closeAll = await openWindow(this.#world, conversation);
    const all = await this.#attempts.run(host, `members of ${conversation}`, async () => {
      const names: string[] = [];
      for await (const name of host.sync.members(conversation)) names.push(name);
      return names;
    });
    if (all) await this.#addAll(conversation, all.value, await closeAll());
  }

  /** Asks for the read positions of one user, or of all members. */
  async positions(host: Host, conversation: string, user: string | undefined): Promise<void> {
    const before = new Map(this.#marks.furthest);
    const close = await openWindow(this.#world, conversation);
    const names = user === undefined ? undefined : [user];
    const answer = await this.#attempts.run(host, `read positions of ${conversation}`, () =>
      host.sync.readPositions(conversation, names),
    );
    if (!answer) return;
    const { violations } = this.#attempts;
    if (names === undefined) await this.#addAll(conversation, [...answer.value.keys()], await close());
    else if ([...answer.value.keys()].join() !== names.join())
      violations.push(`the read positions of ${names} are those of ${[...answer.value.keys()]}`);
    for (const [name, seqId] of answer.value) {
      const least = before.get(`${name}@${conversation}`) ?? 0n;
      if (seqId < least) violations.push(`the read position of ${name} in ${conversation} is ${seqId} after ${least}`);
      if (seqId > 0n && !this.#marks.of(name, conversation).some((mark) => mark.seqId === seqId))
        violations.push(`the read position of ${name} in ${conversation} is ${seqId}, which nobody marked`);
      this.#marks.reached(name, conversation, seqId);
    }
  }

  async #addAll(conversation: string, names: readonly string[], window: Window): Promise<void> {
    const named = new Set(names);
    if (named.size !== names.length) this.#attempts.violations.push(`members of ${conversation}: ${names}`);
    for (const user of this.#world.users) this.answers.push({ conversation, user, isMember: named.has(user), window });
  }
}
