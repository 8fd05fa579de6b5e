import { seqIdOf } from '../../../src/cursor.js';
import type { Synced } from '../../../sync/types.js';
import type { DeviceClient } from './device-client.js';
import { type Entry, History, type MembershipPeriod, textOf } from './history.js';
import { countableFor, listProblems, unreadFor } from './list-check.js';
import type { Player } from './player.js';
import type { World } from './world.js';

type Copy = Extract<Synced<string>, { readonly sender: string }>;

/** Compares the end of a run, entry by entry, with the expected one. */
export class Verdict {
  readonly violations: string[] = [];
  readonly #world: World;
  readonly #player: Player;
  readonly #histories = new Map<string, History>();

  static async of(world: World, player: Player): Promise<Verdict> {
    const verdict = new Verdict(world, player);
    for (const conversation of world.conversations) {
      const entries: Entry[] = [];
      for await (const entry of world.store.timeline(conversation).scan()) entries.push(entry);
      verdict.#histories.set(conversation, new History(conversation, entries, world.setting, world.users));
    }
    verdict.#checkSent();
    verdict.#checkRoaming();
    for (const client of player.clients)
      for (const history of verdict.#histories.values()) verdict.#checkDevice(client, history);
    for (const user of world.users) {
      await verdict.#checkInbox(user);
      await verdict.#checkList(user);
      const histories = verdict.#histories.values();
      verdict.violations.push(...(await listProblems(world, { user, histories, settings: player.settings })));
    }
    return verdict;
  }

  private constructor(world: World, player: Player) {
    this.#world = world;
    this.#player = player;
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
    for (const { key, seqId, conversation } of this.#player.operations) {
      const found = stored.get(key) ?? [];
      if (found.length > 1) this.#fail(`${key} is there ${found.length} times: ${found}`);
      if (seqId !== undefined && found[0] !== `${seqId}@${conversation}`)
        this.#fail(`${key} was acknowledged as ${seqId}@${conversation} and is at ${found[0]}`);
    }
  }

  #checkRoaming(): void {
    for (const history of this.#histories.values()) {
      for (const { seqId, message } of history.messages) {
        if (message.kind !== 'message') continue;
        const { body, edited, recalled } = history.finally(seqId);
        const shows = `${message.body} ${message.edited} ${message.recalled}`;
        const should = `${body} ${edited} ${recalled}`;
        if (shows !== should) this.#fail(`${seqId} of ${history.conversation} shows ${shows} instead of ${should}`);
      }
    }
  }

  #checkDevice(client: DeviceClient, history: History): void {
    const { conversation } = history;
    const shown = client.shown.get(conversation) ?? [];
    for (const some of [shown, ...client.past.flatMap(([name, past]) => (name === conversation ? [past] : []))]) {
      const disorder = history.disorder(some.map(({ entrySeqId }) => entrySeqId));
      if (disorder) this.#fail(`${client.name} got entry ${disorder}`);
    }
    for (const again of client.again) {
      if (again.conversation === conversation)
        this.#fail(`${client.name} got entry ${again.entrySeqId} of ${conversation} again after acknowledging it`);
    }
    const has = new Set(shown.map(({ entrySeqId }) => entrySeqId));
    const required = this.#required(client, history);
    const allowed = new Set(this.#allowed(client, history).map(({ seqId }) => seqId));
    for (const { seqId, message } of required) {
      if (!has.has(seqId)) this.#fail(`${client.name} lacks entry ${seqId} of ${conversation}, a ${message.kind}`);
    }
    for (const { entrySeqId, seqId, kind, sender, sentAt, body } of shown) {
      const entry = history.find(entrySeqId);
      if (!entry || !('sender' in entry.message) || entry.message.kind !== kind || entry.message.sender !== sender) {
        this.#fail(`${client.name} shows entry ${entrySeqId} of ${conversation}, which is no ${kind} by ${sender}`);
        continue;
      }
      if (!allowed.has(entrySeqId))
        this.#fail(`${client.name} shows entry ${entrySeqId} of ${conversation}, which it should not`);
      const target = 'target' in entry.message ? BigInt(entry.message.target) : entrySeqId;
      if (target !== seqId)
        this.#fail(`${client.name} shows ${kind} ${entrySeqId} of ${conversation} for ${seqId}, not ${target}`);
      if (sentAt !== entry.appendedAt)
        this.#fail(`${client.name} shows a wrong time of ${entrySeqId} of ${conversation}`);
      if (kind === 'message')
        this.#checkView(client, history, entrySeqId, body, new Set(required.map((each) => each.seqId)));
    }
    const read = this.#player.reads.get(`${client.user}@${conversation}`) ?? 0n;
    const isTold = (client.reads.get(conversation) ?? 0n) >= read;
    if (!isTold && client.start === 'oldest' && !this.#world.setting.expires)
      this.#fail(`${client.name} was not told that ${read} of ${conversation} was read`);
  }

  /** Compares the final content of a message on the device. */
  #checkView(
    client: DeviceClient,
    history: History,
    seqId: bigint,
    original: string | undefined,
    required: ReadonlySet<bigint>,
  ): void {
    const { conversation } = history;
    const shown = client.shown.get(conversation) ?? [];
    const changes = shown.filter((each) => each.seqId === seqId && each.kind !== 'message');
    const isRecalled =
      changes.some(({ kind }) => kind === 'recall') || shown.some((each) => each.entrySeqId === seqId && each.recalled);
    const edits = changes.filter(({ kind }) => kind === 'edit').sort((a, b) => (a.entrySeqId < b.entrySeqId ? -1 : 1));
    const body = isRecalled ? undefined : edits.length > 0 ? edits.at(-1)!.body : original;
    const all = history.entries.filter(({ message }) => 'target' in message && BigInt(message.target) === seqId);
    const final = history.finally(seqId);
    const isComplete = all.every((each) => required.has(each.seqId));
    if (body === final.body) return;
    const bodies = [textOf(history.find(seqId)!), ...all.map(textOf)];
    if (isComplete || !bodies.includes(body ?? ''))
      this.#fail(`${client.name} shows ${body} for ${seqId} of ${conversation}, which is ${final.body}`);
  }

  #required(client: DeviceClient, history: History): readonly Entry[] {
    const { streamStart, user } = client;
    const isKept = ({ appendedAt }: Entry) => this.#world.isKept(appendedAt, client.beganAt);
    if (!streamStart) {
      // The inbox entries that tell of a past period, or of a past time in read mode, expire like any other.
      const isKnown = ({ joinedAt, leftAt }: MembershipPeriod) =>
        leftAt === undefined || joinedAt === 0n || isKept(history.find(joinedAt)!);
      const isFound = ({ seqId }: Entry) => history.formerReadBefore(seqId).every(isKept);
      return history
        .periodsOf(user)
        .filter(isKnown)
        .flatMap((period) => history.during(user, period).filter(isKept).filter(isFound));
    }
    const end = streamStart.before.get(history.conversation)!;
    return history.periodsOf(user).flatMap((period) => {
      if (period.joinedAt > end) return history.during(user, period);
      if (period.leftAt !== undefined && period.leftAt <= end) return [];
      const start = beforeLast(history, period, end, streamStart.last);
      return history.during(user, period).filter(({ seqId }) => seqId > start);
    });
  }

  #allowed(client: DeviceClient, history: History): readonly Entry[] {
    const { streamStart, user } = client;
    if (!streamStart?.isExact) return history.entitled(user);
    const end = streamStart.after.get(history.conversation)!;
    return history.periodsOf(user).flatMap((period) => {
      if (period.joinedAt > end) return history.during(user, period);
      const isPresent = period.leftAt === undefined || period.leftAt > end;
      const start = isPresent ? beforeLast(history, period, end, streamStart.last) : end;
      return history.during(user, period).filter(({ seqId }) => seqId > start);
    });
  }

  /** Every copy is there once, in the order of its conversation, and before `delivered` resolved. */
  async #checkInbox(user: string): Promise<void> {
    const { sync, setting } = this.#world;
    const copies = new Map<string, bigint[]>();
    const inboxSeqIds = new Map<string, bigint>();
    for await (const { message, seqId: inboxSeqId } of sync.timeline(user).scan()) {
      if (message.kind === 'read' || message.kind === 'settings') continue;
      const { conversation, seqId } = message;
      if (message.kind === 'mode' || message.kind === 'truncated') continue;
      this.#checkInboxBody(user, message);
      if (inboxSeqIds.has(`${seqId}@${conversation}`))
        this.#fail(`the inbox of ${user} holds ${seqId} of ${conversation} twice`);
      copies.set(conversation, [...(copies.get(conversation) ?? []), BigInt(seqId)]);
      inboxSeqIds.set(`${seqId}@${conversation}`, inboxSeqId);
    }
    for (const [conversation, seqIds] of copies) {
      const history = this.#histories.get(conversation)!;
      const disorder = history.disorder(seqIds);
      if (disorder) this.#fail(`the inbox of ${user} holds ${disorder}`);
      const entitled = new Set(history.entitled(user).map(({ seqId }) => seqId));
      for (const seqId of seqIds)
        if (!entitled.has(seqId))
          this.#fail(`the inbox of ${user} holds ${seqId} of ${conversation}, not meant for it`);
    }
    if (setting.expires) return;
    for (const { conversation, seqId, inboxes } of this.#player.delivered) {
      const history = this.#histories.get(conversation)!;
      const isDue = history.entitled(user).some((entry) => entry.seqId === seqId && history.wasMemberAt(user, seqId));
      if (!isDue || !history.isWrittenAt(seqId)) continue;
      const inboxSeqId = inboxSeqIds.get(`${seqId}@${conversation}`);
      if (inboxSeqId === undefined || inboxSeqId > inboxes.get(user)!)
        this.#fail(`${seqId} of ${conversation} was said to be delivered before the inbox of ${user} had it`);
    }
  }

  /** Inboxes hold no body of an edit, of a recalled message, or from before an edit. */
  #checkInboxBody(user: string, { kind, conversation, seqId, body }: Copy): void {
    if (body === undefined) return;
    const current = kind === 'message' ? this.#histories.get(conversation)!.finally(BigInt(seqId)).body : undefined;
    if (body !== current)
      this.#fail(`the inbox of ${user} holds ${body} for ${kind} ${seqId} of ${conversation}, which is ${current}`);
  }

  async #checkList(user: string): Promise<void> {
    const { store, hosts } = this.#world;
    const found = new Map<string, string>();
    for await (const { conversation, last, lastSeqId, readSeqId, unread } of hosts[0]!.sync.conversations(user)) {
      found.set(
        conversation,
        `last ${last?.seqId} ${last?.body}, end ${lastSeqId}, read ${readSeqId}, unread ${unread}`,
      );
    }
    for (const history of this.#histories.values()) {
      const { conversation } = history;
      const period = history.currentPeriod(user);
      const cursor = await store.timeline(conversation).checkpoint(`read:${user}`).get();
      const read = cursor === undefined ? 0n : seqIdOf(cursor);
      const marked = this.#player.reads.get(`${user}@${conversation}`) ?? 0n;
      for (const client of this.#player.clients) {
        const told = client.user === user ? (client.reads.get(conversation) ?? 0n) : 0n;
        if (told > read) this.#fail(`${client.name} was told that ${told} of ${conversation} was read, not ${read}`);
      }
      if (read < marked) this.#fail(`${user} marked ${marked} of ${conversation} as read, and ${read} stands`);
      const unread = unreadFor(history, user, read);
      const last = countableFor(history, user).at(-1);
      const shows = last && history.finally(last.seqId).body;
      const should =
        period && `last ${last?.seqId} ${shows}, end ${history.last}, read ${read}, unread ${unread.length}`;
      const does = found.get(conversation);
      if (does !== should) this.#fail(`for ${user}, ${conversation} is listed as “${does}” instead of “${should}”`);
    }
  }
}

/** The SeqId before the last messages of the period up to `end`; without any, `end`. */
function beforeLast(history: History, { from }: MembershipPeriod, end: bigint, count: number): bigint {
  const messages = history.messages.filter(({ seqId }) => seqId > from && seqId <= end);
  const first = count === 0 ? undefined : messages.slice(-count).at(0);
  return first ? first.seqId - 1n : end;
}
