import { isTimelineError } from '../../../src/errors.js';
import type { Sent, SyncMessage } from '../../../sync/types.js';
import { DeviceClient } from './device-client.js';
import type { Command, Setting } from './scenario.js';
import { until } from './until.js';
import type { Host, World } from './world.js';

/** A send or an edit that may be made again with the same key. */
export interface Operation {
  readonly kind: 'message' | 'edit';
  readonly conversation: string;
  readonly user: string;
  readonly key: string;
  readonly target: bigint;
  /** Known once it was acknowledged. */
  seqId: bigint | undefined;
}

/** What inboxes held at the moment when an entry was said to be delivered. */
export interface Delivered {
  readonly conversation: string;
  readonly seqId: bigint;
  readonly inboxes: ReadonlyMap<string, bigint>;
}

/** The process died before it answered. */
const CRASHED = 'crashed';
type Outcome<T> = { readonly value: T } | { readonly error: unknown } | typeof CRASHED;

/** Plays commands, several at once, and writes down what was acknowledged. */
export class Player {
  readonly world: World;
  readonly clients: readonly DeviceClient[];
  readonly operations: Operation[] = [];
  readonly delivered: Delivered[] = [];
  readonly violations: string[] = [];
  /** By user and conversation, what `markRead` said that stands. */
  readonly reads = new Map<string, bigint>();
  readonly #setting: Setting;
  /** Who is believed to be a member, by conversation. */
  readonly #members: ReadonlyMap<string, Set<string>>;
  readonly #recalled = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #deliveries = new Set<Promise<unknown>>();
  #changes = 0;
  #quietAt = -1;

  constructor(world: World) {
    this.world = world;
    this.#setting = world.setting;
    const { devicesPerUser, starts, directory } = world.setting;
    this.clients = world.users.flatMap((user, i) =>
      Array.from(
        { length: devicesPerUser },
        (_, j) => new DeviceClient(user, `device-${j}`, starts[(i * devicesPerUser + j) % starts.length]!),
      ),
    );
    const everyone = directory === 'listed' ? world.users : [];
    this.#members = new Map(world.conversations.map((conversation) => [conversation, new Set(everyone)]));
  }

  async play(command: Command): Promise<void> {
    if (!['pull', 'list', 'pass', 'settle'].includes(command.do)) this.#changes++;
    const work = this.#do(command).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
    if (command.wait) await until(`the end of ${JSON.stringify(command)}`, work);
    else await this.world.turns.pass(this.world.random.below(8));
  }

  /** Lets everything end, has what was left recovered, and every device read to the end. */
  async finish(): Promise<void> {
    const { world } = this;
    await until('the end of what is under way', this.#idle());
    world.heal();
    await world.settled();
    await until('settling', this.#settle(world.host(0)));
    for (const host of [...world.hosts]) if (world.random.chance(0.3)) await until('closing', world.replace(host));
    const { resumed } = await until('recovery', world.host(0).sync.recover());
    if (resumed > 0) this.violations.push(`after a recovery, a second one still found ${resumed} conversations behind`);
    for (const client of this.clients) {
      const pulls = 1000;
      for (let i = 0; i < pulls; i++) {
        const isDone = await until(
          `a pull of ${client.name}`,
          this.#pull(client, world.host(i), 1 + world.random.below(20), 'ack'),
        );
        if (isDone) break;
        if (i === pulls - 1) this.violations.push(`${client.name} never came to an end`);
      }
      this.violations.push(...client.violations);
    }
  }

  async #do(command: Command): Promise<unknown> {
    const { world } = this;
    const host = 'process' in command ? world.host(command.process) : world.host(0);
    switch (command.do) {
      case 'send':
        return this.#send(host, command);
      case 'again': {
        const operation = this.operations[command.operation % this.operations.length];
        return operation && this.#operate(host, operation);
      }
      case 'edit':
      case 'recall':
        return this.#amend(host, command.do, command.message);
      case 'join':
      case 'leave':
        return this.#change(host, command.do, this.#conversation(command), world.users[command.user % world.users.length]!);
      case 'mode':
        return this.#wish(host, this.#conversation(command), command.mode);
      case 'pull':
        return this.#serially(command.device, (client) => this.#pull(client, host, command.limit, command.then));
      case 'subscribe':
        return this.#serially(command.device, (client) => this.#subscribe(client, host, command.turns));
      case 'read':
        return this.#markRead(host, command.message, world.users[command.user % world.users.length]!);
      case 'list':
        return this.#list(host, world.users[command.user % world.users.length]!);
      case 'crash':
        return host.gate.arm(command.after, command.how);
      case 'outage':
        return host.gate.failWrites(world.users[command.user % world.users.length]!, command.calls);
      case 'restart':
        return world.replace(host);
      case 'recover':
        return this.#attempt(host, 'recover', () => host.sync.recover());
      case 'pass':
        world.time += command.ms;
        return;
      case 'settle':
        return this.#settle(host);
    }
  }

  #conversation({ conversation }: { readonly conversation: number }): string {
    return this.world.conversations[conversation % this.world.conversations.length]!;
  }

  async #attempt<T>(host: Host, what: string, run: () => Promise<T>): Promise<Outcome<T>> {
    const step = this.world.note(`${what} in ${host.name}`);
    const outcome: Promise<Outcome<T>> = run().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const first = await Promise.race([outcome, host.gate.died.then((): Outcome<T> => CRASHED)]);
    this.world.note(`${step} → ${first === CRASHED ? first : 'error' in first ? first.error : answerOf(first.value)}`);
    if (first !== CRASHED && 'error' in first && !this.#isExcused(first.error)) {
      this.violations.push(`unexpected: ${first.error instanceof Error ? first.error.stack : first.error}`);
    }
    return first;
  }

  /** A process that ends, and faults that were put in, may fail a call; nothing else may. */
  #isExcused(error: unknown): boolean {
    if (!isTimelineError(error)) return false;
    if (error.code === 'TIMELINE_CLOSED' || error.code === 'TIMELINE_ABORTED') return true;
    return error.message.startsWith('injected fault');
  }

  async #send(host: Host, { conversation, user }: { conversation: number; user: number }): Promise<void> {
    const name = this.#conversation({ conversation });
    const members = [...this.#members.get(name)!];
    const sender = members[user % members.length];
    if (sender === undefined) return;
    const key = `m${this.operations.length}`;
    const operation: Operation = { kind: 'message', conversation: name, user: sender, key, target: 0n, seqId: undefined };
    this.operations.push(operation);
    await this.#operate(host, operation);
  }

  async #operate(host: Host, operation: Operation): Promise<void> {
    const { kind, conversation, user: sender, key, target, seqId: before } = operation;
    if (kind === 'edit' && this.#recalled.has(`${target}@${conversation}`)) return;
    const outcome = await this.#attempt(host, `${kind} ${key} of ${sender} to ${conversation}`, () =>
      kind === 'message'
        ? host.sync.send({ conversation, sender, body: key, key })
        : host.sync
            .edit(conversation, target, key, { key })
            .catch(excuseRecalled(() => this.#recalled.has(`${target}@${conversation}`))),
    );
    if (outcome === CRASHED || 'error' in outcome || !outcome.value) return;
    const { seqId, duplicate } = outcome.value;
    if (before !== undefined && (seqId !== before || !duplicate))
      this.violations.push(`${key} was acknowledged as ${before} and, sent again, as ${seqId}, duplicate: ${duplicate}`);
    operation.seqId = seqId;
    this.#expectDelivery(host, conversation, outcome.value);
  }

  #expectDelivery(host: Host, conversation: string, { seqId, delivered }: Sent): void {
    const { users, sync } = this.world;
    const noted = delivered.then(
      async () => {
        const heads = await sync.heads(users);
        this.delivered.push({ conversation, seqId, inboxes: new Map(users.map((user, i) => [user, heads[i]!.lastSeqId])) });
      },
      (error: unknown) => {
        if (!this.#isExcused(error)) this.violations.push(`not delivered: ${error}`);
      },
    );
    const ended = Promise.race([noted, host.gate.died]);
    this.#deliveries.add(ended);
    void ended.finally(() => this.#deliveries.delete(ended));
  }

  async #amend(host: Host, kind: 'edit' | 'recall', message: number): Promise<void> {
    const known = this.#known;
    const target = known[message % known.length];
    if (!target) return;
    const { conversation, user, seqId } = target;
    if (kind === 'edit') {
      const key = `e${this.operations.length}`;
      const operation: Operation = { kind, conversation, user, key, target: seqId!, seqId: undefined };
      this.operations.push(operation);
      return this.#operate(host, operation);
    }
    this.#recalled.add(`${seqId}@${conversation}`);
    const outcome = await this.#attempt(host, `recall ${seqId} of ${conversation}`, () => host.sync.recall(conversation, seqId!));
    if (outcome !== CRASHED && 'value' in outcome) this.#expectDelivery(host, conversation, outcome.value);
  }

  /** Messages that were acknowledged. */
  get #known(): Operation[] {
    return this.operations.filter(({ kind, seqId }) => kind === 'message' && seqId !== undefined);
  }

  async #change(host: Host, kind: 'join' | 'leave', conversation: string, user: string): Promise<void> {
    const members = this.#members.get(conversation)!;
    if (kind === 'leave') members.delete(user);
    const outcome = await this.#attempt(host, `${kind} ${user} ${conversation}`, () => host.sync[kind](conversation, user));
    if (outcome === CRASHED || 'error' in outcome) return;
    if (kind === 'join') members.add(user);
    this.#expectDelivery(host, conversation, outcome.value);
  }

  /** The diffusion is asked again once members join or leave. */
  async #wish(host: Host, conversation: string, mode: 'write' | 'read'): Promise<void> {
    this.world.wishes.set(conversation, mode);
    const [member] = this.#members.get(conversation)!;
    if (member !== undefined) await this.#change(host, 'join', conversation, member);
  }

  #serially<T>(device: number, run: (client: DeviceClient) => Promise<T>): Promise<T> {
    const client = this.clients[device % this.clients.length]!;
    const work = client.busy.then(() => run(client));
    client.busy = work.catch(() => undefined);
    return work;
  }

  /** Resolves with true if nothing was left. */
  async #pull(client: DeviceClient, host: Host, limit: number, then: 'ack' | 'keep' | 'lose'): Promise<boolean> {
    const time = this.world.time;
    const changes = this.#changes;
    await this.#beforeReading(client);
    const { user, device: name, start } = client;
    const device = host.sync.device(user, name, { start });
    const outcome = await this.#attempt(host, `pull ${client.name}`, () => device.pull({ limit }));
    if (outcome === CRASHED || 'error' in outcome) return false;
    const page = outcome.value;
    this.world.note(`${client.name} pulled${page.resynced ? ', resynced,' : ''} ${placesOf(page.messages)} and will ${then}`);
    if (page.messages.length > limit) this.violations.push(`${client.name} asked for ${limit} and got ${page.messages.length}`);
    if (then === 'lose') return false;
    if (page.resynced) this.#resync(client);
    await this.#anchor(client, page.resynced, changes);
    const acked = client.keep(page.messages);
    if (then === 'keep') return false;
    const other = this.world.random.chance(0.2) ? this.world.host(this.world.random.below(10)) : host;
    const ack = await this.#attempt(other, `ack ${client.name}`, () => other.sync.device(user, name, { start }).ack(page.cursor));
    if (ack === CRASHED || 'error' in ack) return false;
    acked();
    if (page.upToDate) client.freshAt = time;
    return page.upToDate && page.messages.length === 0;
  }

  async #beforeReading(client: DeviceClient): Promise<void> {
    const isExact = this.#quietAt === this.#changes;
    client.since ??= { heads: await this.world.heads(), isExact };
    if (!client.hasAcked) client.beganAt = this.world.time;
  }

  #resync(client: DeviceClient): void {
    if (!this.#setting.expires) this.violations.push(`${client.name} was resynced although nothing expires`);
    if (this.world.isFresh(client.freshAt, this.world.time)) this.violations.push(`${client.name} was resynced although it was up to date`);
    client.clear();
  }

  async #anchor(client: DeviceClient, isResynced: boolean, changes: number): Promise<void> {
    const isBeginning = client.start !== 'oldest' && !client.hasBegun;
    client.hasBegun = true;
    if (isResynced || isBeginning) {
      const { start } = client;
      const last = isResynced ? this.#setting.resyncLast : typeof start === 'object' ? start.last : 0;
      const isExact = client.since!.isExact && changes === this.#changes;
      client.anchor = { after: client.since!.heads, before: await this.world.heads(), isExact, last };
    }
    if (!isResynced) client.since = undefined;
  }

  async #subscribe(client: DeviceClient, host: Host, turns: number): Promise<void> {
    await this.#beforeReading(client);
    const stop = new AbortController();
    const device = host.sync.device(client.user, client.device, { start: client.start });
    const messages = device.subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
    void this.world.turns.pass(turns).then(() => stop.abort());
    for (let isFirst = true; ; isFirst = false) {
      const outcome = await this.#attempt(host, `next ${client.name}`, () => messages.next());
      if (outcome === CRASHED || 'error' in outcome || outcome.value.done) break;
      const message = outcome.value.value;
      if (message.resynced) this.#resync(client);
      if (isFirst || message.resynced) await this.#anchor(client, message.resynced === true, -1);
      const acked = client.keep([message]);
      if (!this.world.random.chance(0.5)) continue;
      const ack = await this.#attempt(host, `ack ${client.name}`, () => device.ack(message.cursor));
      if (ack === CRASHED) break;
      if ('value' in ack) acked();
    }
    stop.abort();
  }

  async #markRead(host: Host, message: number, user: string): Promise<void> {
    const known = this.#known;
    const target = known[message % known.length];
    if (!target) return;
    const { conversation, seqId } = target;
    const outcome = await this.#attempt(host, `read ${seqId} of ${conversation} by ${user}`, () => host.sync.markRead(user, conversation, seqId!));
    if (outcome === CRASHED || 'error' in outcome) return;
    if (outcome.value < seqId!) this.violations.push(`${user} marked ${seqId} of ${conversation} and ${outcome.value} stands`);
    const place = `${user}@${conversation}`;
    if (outcome.value > (this.reads.get(place) ?? 0n)) this.reads.set(place, outcome.value);
  }

  async #list(host: Host, user: string): Promise<void> {
    await this.#attempt(host, `list ${user}`, async () => {
      for await (const { unread } of host.sync.conversations(user)) if (unread < 0) throw new Error(`${unread} unread`);
    });
  }

  async #idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Until nothing is under way or left behind. */
  async #settle(host: Host): Promise<void> {
    const others = [...this.#underWay];
    await Promise.race([Promise.allSettled(others), this.world.turns.pass(5000)]);
    for (let attempts = 0; attempts < 5; attempts++) {
      const outcome = await this.#attempt(host, 'recover', () => host.sync.recover());
      if (outcome !== CRASHED && 'value' in outcome) break;
      host = this.world.host(attempts);
    }
    const deliveries = Promise.allSettled(this.#deliveries);
    await Promise.race([deliveries, this.world.turns.pass(200)]);
    if (others.every((other) => !this.#underWay.has(other)) && this.#deliveries.size === 0) this.#quietAt = this.#changes;
  }
}

function placesOf(messages: readonly SyncMessage<string>[]): string {
  return messages.map(({ conversation, kind, entrySeqId }) => `${conversation} ${kind} ${entrySeqId}`).join(', ') || 'nothing';
}

function answerOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'seqId' in value ? String(value.seqId) : 'done';
}

function excuseRecalled(isRecalled: () => boolean): (error: unknown) => undefined {
  return (error) => {
    if (isTimelineError(error) && error.code === 'TIMELINE_NOT_FOUND' && isRecalled()) return undefined;
    throw error;
  };
}
