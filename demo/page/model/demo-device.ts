/** A device of the demo: one client, what it hands over, and what the page knows of its connection. */
import { connectChat } from '../../../client/index.js';
import type { ChatClient, ChatEntry, ChatState, Outgoing, ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { FaultyHandOver } from '../counting/test-faults.js';

export type Person = 'ann' | 'bob';

/** The batch of entries with which a device caught up. */
export interface CaughtUp {
  /** By conversation: SeqIds of its first and last entry. */
  readonly ranges: ReadonlyMap<string, { readonly first: bigint; readonly last: bigint; readonly count: number }>;
  readonly entries: number;
  readonly ms: number;
}

/** Called with what a device does. */
export interface DeviceListener {
  handedOver(device: DemoDevice, entry: ChatEntry<Body>): void;
  stored(device: DemoDevice, outgoing: Outgoing<Body>, seqId: bigint, sentAt: number): void;
  caughtUp(device: DemoDevice, caughtUp: CaughtUp): void;
  rebuilt(device: DemoDevice): void;
  typing(device: DemoDevice, conversation: string, from: string): void;
  changed(): void;
}

export interface DeviceNames {
  readonly user: Person;
  /** As the server knows it. */
  readonly device: string;
  /** As people call it: "phone". */
  readonly title: string;
  /** Letter of its flag: "B", "B2". */
  readonly letter: string;
}

export class DemoDevice {
  readonly user: Person;
  readonly title: string;
  readonly letter: string;
  /** `user/device`. */
  readonly id: string;
  readonly chat: ChatClient<Body>;
  /** The last batch that it got after it was away. */
  lastCaughtUp: CaughtUp | undefined;
  /** Entries got since the connection stood, and those that were waiting then. */
  progress: { done: number; total: number } | undefined;
  readonly #listener: DeviceListener;
  readonly #faulty: FaultyHandOver<ChatEntry<Body>>;
  /** Entries that a test fault has lost. */
  readonly #dropped = new Set<string>();
  readonly #followed = new Set<string>();
  /** By conversation, the time of the last acknowledgement: the client sends one message after another. */
  readonly #acknowledgedAt = new Map<string, number>();
  readonly #rebuilt = new Map<string, bigint | undefined>();
  #ranges = new Map<string, { first: bigint; last: bigint; count: number }>();
  #connectedAt = 0;
  /** Time since which it gets messages as they come, by `performance.now()`; infinite while it does not. */
  liveSince = Number.POSITIVE_INFINITY;
  /** It has been connected, and got everything from before. */
  hasBeenLive = false;
  #hadToSend = false;
  #waitingOf: () => number = () => 0;

  constructor({ user, device, title, letter }: DeviceNames, listener: DeviceListener) {
    this.user = user;
    this.title = title;
    this.letter = letter;
    this.id = `${user}/${device}`;
    this.#listener = listener;
    this.#faulty = new FaultyHandOver<ChatEntry<Body>>(
      (entry) => listener.handedOver(this, entry),
      ({ conversation, seqId }) => this.#dropped.add(`${seqId} ${conversation}`),
    );
    const url = `${location.origin}/device/${encodeURIComponent(user)}/${encodeURIComponent(device)}`;
    this.chat = connectChat<Body>(url, { device, token: user, maxPauseMs: 2000, pageSize: 100 });
    this.chat.on('message', (entry) => this.#receive(entry));
    this.chat.on('state', (state) => this.#change(state));
    this.chat.on('resync', () => this.#resync());
    this.chat.on('signal', ({ conversation, from }) => listener.typing(this, conversation, from));
    this.chat.conversations.subscribe(() => listener.changed());
    this.chat.outbox.subscribe(() => listener.changed());
    // The list is asked for by its first look.
    this.chat.conversations.getSnapshot();
  }

  get state(): ChatState {
    return this.chat.state;
  }

  get isConnected(): boolean {
    return this.state === 'live' || this.state === 'catching-up';
  }

  /** Its user is a member of the conversation. */
  isIn(conversation: string): boolean {
    return this.chat.conversations.getSnapshot().some((listed) => listed.conversation === conversation);
  }

  /** Messages that wait to be sent. */
  get toSend(): number {
    return this.chat.outbox.getSnapshot().filter(({ status }) => status === 'pending').length;
  }

  set waitingOf(waiting: () => number) {
    this.#waitingOf = waiting;
  }

  /** The messages of a conversation, watched from the first call on. */
  messages(conversation: string): readonly ShownMessage<Body>[] {
    const list = this.chat.conversation(conversation);
    if (!this.#followed.has(conversation)) {
      this.#followed.add(conversation);
      list.subscribe(() => this.#listener.changed());
    }
    const messages = list.getSnapshot();
    if (this.#dropped.size === 0) return messages;
    return messages.filter(({ seqId }) => !this.#dropped.has(`${seqId} ${conversation}`));
  }

  /** SeqId of the last message shown of a conversation; 0n for none. */
  position(conversation: string): bigint {
    const messages = this.messages(conversation);
    for (let i = messages.length - 1; i >= 0; i--) {
      const { seqId } = messages[i]!;
      if (seqId !== undefined) return seqId;
    }
    return 0n;
  }

  /** SeqId of the first message that was shown when the device was built again; `undefined` if it was not. */
  rebuiltFrom(conversation: string): bigint | undefined {
    if (!this.#rebuilt.has(conversation)) return undefined;
    const known = this.#rebuilt.get(conversation);
    if (known !== undefined) return known;
    const first = this.messages(conversation).find(({ seqId }) => seqId !== undefined)?.seqId;
    if (first !== undefined) this.#rebuilt.set(conversation, first);
    return first;
  }

  send(conversation: string, text: string): Outgoing<Body> {
    const outgoing = this.chat.send(conversation, { text });
    const sentAt = performance.now();
    this.#await(outgoing, sentAt);
    return outgoing;
  }

  /** Makes the next entry arrive with a fault; for tests. */
  armFault(fault: 'lost' | 'repeated' | 'out-of-order'): void {
    this.#faulty.arm(fault);
  }

  #await(outgoing: Outgoing<Body>, sentAt: number): void {
    const { conversation } = outgoing;
    outgoing.sent.then(
      (seqId) => {
        // Of a message that has waited for a connection the time says nothing.
        const hasWaited = this.liveSince > sentAt;
        const startedAt = hasWaited ? Number.NaN : Math.max(sentAt, this.#acknowledgedAt.get(conversation) ?? sentAt);
        this.#acknowledgedAt.set(conversation, performance.now());
        this.#listener.stored(this, outgoing, seqId, startedAt);
      },
      () => this.#listener.changed(),
    );
  }

  #receive(entry: ChatEntry<Body>): void {
    // What the device itself had to send is no news to it.
    const isNews = entry.sender !== this.user || !this.#hadToSend;
    if (this.#isMessage(entry) && this.progress !== undefined && isNews) {
      this.progress.done += 1;
      const range = this.#ranges.get(entry.conversation);
      if (range === undefined) {
        const first = { first: entry.seqId, last: entry.seqId, count: 1 };
        this.#ranges.set(entry.conversation, first);
      } else {
        range.last = entry.seqId;
        range.count += 1;
      }
    }
    if (this.#isMessage(entry)) this.#faulty.pass(entry);
    else this.#listener.handedOver(this, entry);
  }

  #isMessage({ kind, relatesTo, countable }: ChatEntry<Body>): boolean {
    return kind === 'message' && relatesTo === undefined && countable !== false;
  }

  #change(state: ChatState): void {
    if (state === 'connecting') this.#connectedAt = performance.now();
    this.liveSince = state === 'live' ? performance.now() : Number.POSITIVE_INFINITY;
    if (state === 'catching-up' && this.hasBeenLive) {
      this.#hadToSend = this.toSend > 0;
      this.#ranges = new Map();
      this.progress = { done: 0, total: this.#waitingOf() };
    }
    if (state === 'live') {
      const { progress } = this;
      this.progress = undefined;
      this.hasBeenLive = true;
      if (progress !== undefined && progress.done > 0) {
        const ms = performance.now() - this.#connectedAt;
        this.lastCaughtUp = { ranges: this.#ranges, entries: progress.done, ms };
        this.#listener.caughtUp(this, this.lastCaughtUp);
      }
    }
    if (state === 'offline' || state === 'connecting') this.progress = undefined;
    this.#listener.changed();
  }

  #resync(): void {
    this.#rebuilt.clear();
    for (const conversation of this.#followed) this.#rebuilt.set(conversation, undefined);
    this.lastCaughtUp = undefined;
    this.progress = undefined;
    this.#listener.rebuilt(this);
  }
}
