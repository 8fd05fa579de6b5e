import { checkDevice } from './device-verdict.js';
import type { Evidence } from './evidence.js';
import { History } from './history.js';
import { checkInbox } from './inbox-verdict.js';
import { checkList } from './list-verdict.js';
import { checkLosses } from './loss-verdict.js';
import { checkPages } from './page-verdict.js';
import type { Player } from './player.js';
import { checkAnswers } from './question-verdict.js';
import { checkReceipts } from './receipt-verdict.js';
import { checkSignals } from './signal-verdict.js';
import type { World } from './world.js';

/** Compares the end of a run, entry by entry, with the expected one. */
export class Verdict {
  readonly violations: string[] = [];
  readonly #world: World;
  readonly #player: Player;
  readonly #histories = new Map<string, History>();

  static async of(world: World, player: Player): Promise<Verdict> {
    const verdict = new Verdict(world, player);
    const gone = await world.records.goneThrough(world.conversations);
    for (const conversation of world.conversations) {
      const records = await world.records.all(conversation);
      const history = new History(conversation, records, gone.get(conversation)!, world.setting, world.users);
      verdict.#histories.set(conversation, history);
    }
    const evidence = verdict.#evidence;
    verdict.#checkSent();
    verdict.#checkRoaming();
    for (const client of player.clients)
      for (const history of verdict.#histories.values()) checkDevice(evidence, client, history);
    for (const user of world.users) {
      await checkInbox(evidence, user);
      await checkList(evidence, user);
      await checkReceipts(evidence, user);
      await checkLosses(evidence, user);
    }
    await checkPages(evidence);
    checkAnswers(evidence);
    checkSignals(evidence);
    return verdict;
  }

  private constructor(world: World, player: Player) {
    this.#world = world;
    this.#player = player;
  }

  get #evidence(): Evidence {
    const fail = (problem: string) => this.#fail(problem);
    return { world: this.#world, player: this.#player, histories: this.#histories, fail };
  }

  #fail(problem: string): void {
    this.violations.push(problem);
  }

  /** Every acknowledged message and edit is stored once. */
  #checkSent(): void {
    const stored = new Map<string, string[]>();
    for (const { conversation, entries } of this.#histories.values()) {
      for (const { key, seqId, message } of entries) {
        if (message.kind !== 'message' && message.kind !== 'edit') continue;
        const name = key?.slice(2) ?? 'without key';
        stored.set(name, [...(stored.get(name) ?? []), `${seqId}@${conversation}`]);
      }
    }
    for (const { conversation, seqId, by } of this.#player.members.changes) {
      const message = this.#histories.get(conversation)!.find(seqId)?.message;
      const actor = message && 'users' in message ? message.by : 'nobody';
      if (actor !== by) this.#fail(`the change of members ${seqId} of ${conversation} is by ${actor}, not by ${by}`);
    }
    for (const { key, seqId, conversation } of this.#player.operations) {
      const found = stored.get(key) ?? [];
      if (found.length > 1) this.#fail(`${key} is there ${found.length} times: ${found}`);
      if (seqId !== undefined && found[0] !== `${seqId}@${conversation}`)
        this.#fail(`${key} was acknowledged as ${seqId}@${conversation} and is at ${found[0]}`);
    }
  }

  #checkRoaming(): void {
    for (const history of this.#histories.values()) {
      for (const { seqId, message } of history.kept) {
        if (message.kind !== 'message') continue;
        const { body, edited, recalled } = history.finally(seqId);
        const shows = `${message.body} ${message.edited} ${message.recalled}`;
        const should = `${body} ${edited} ${recalled}`;
        if (shows !== should) this.#fail(`${seqId} of ${history.conversation} shows ${shows} instead of ${should}`);
      }
    }
  }
}
