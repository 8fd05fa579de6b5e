import { isTimelineError } from '../../../src/errors.js';
import type { Sent } from '../../../sync/types.js';
import { Attempts } from './attempts.js';
import { DeviceClient } from './device-client.js';
import { DeviceReader } from './device-reader.js';
import { drawExtras, type Extras } from './extras.js';
import type { Command } from './scenario.js';
import { SettingsCommands } from './settings-commands.js';
import { atMost, within } from './within.js';
import type { Host, World } from './world.js';

/** A send or an edit that may be repeated with the same key. */
export interface Operation {
  readonly kind: 'message' | 'edit';
  readonly conversation: string;
  readonly user: string;
  readonly key: string;
  readonly target: bigint;
  readonly extras: Extras;
  /** Set once it was acknowledged. */
  seqId: bigint | undefined;
}

/** The last SeqIds of all inboxes when `delivered` of an entry resolved. */
export interface Delivered {
  readonly conversation: string;
  readonly seqId: bigint;
  readonly inboxes: ReadonlyMap<string, bigint>;
}

/** Plays commands, several at once, and records acknowledgements. */
export class Player {
  readonly world: World;
  readonly clients: readonly DeviceClient[];
  readonly operations: Operation[] = [];
  readonly delivered: Delivered[] = [];
  /** By user and conversation, the furthest position that `markRead` returned. */
  readonly reads = new Map<string, bigint>();
  readonly settings: SettingsCommands;
  readonly #attempts: Attempts;
  readonly #reader: DeviceReader;
  /** The members of each conversation, as far as acknowledged. */
  readonly #members: ReadonlyMap<string, Set<string>>;
  readonly #recalled = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #deliveries = new Set<Promise<unknown>>();

  constructor(world: World) {
    this.world = world;
    this.#attempts = new Attempts(world);
    this.settings = new SettingsCommands(this.#attempts);
    this.#reader = new DeviceReader(world, this.#attempts);
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

  get violations(): readonly string[] {
    return this.#attempts.violations;
  }

  async play(command: Command): Promise<void> {
    if (!['pull', 'list', 'pass', 'drain'].includes(command.do)) this.#attempts.changes++;
    const work = this.#do(command).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
    if (command.wait) await within(`the end of ${JSON.stringify(command)}`, work);
    else await this.world.turns.pass(this.world.random.below(8));
  }

  /** Ends all commands, recovers unfinished work, and lets every device read to the end. */
  async finish(): Promise<void> {
    const { world } = this;
    await within('the end of what is under way', this.#idle());
    await within('replacements', world.replaced());
    world.clearFaults();
    await world.idle();
    await within('draining', this.#drain(world.host(0)));
    for (const host of [...world.hosts]) if (world.random.chance(0.3)) await within('closing', world.replace(host));
    const { resumed } = await within('recovery', world.host(0).sync.recover());
    if (resumed > 0)
      this.#attempts.violations.push(`after a recovery, a second one still found ${resumed} conversations behind`);
    for (const client of this.clients) {
      const pulls = 1000;
      for (let i = 0; i < pulls; i++) {
        const isDone = await within(
          `a pull of ${client.name}`,
          this.#reader.pull(client, world.host(i), 1 + world.random.below(20), 'ack'),
        );
        if (isDone) break;
        if (i === pulls - 1) this.#attempts.violations.push(`${client.name} never came to an end`);
      }
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
        return this.#change(
          host,
          command.do,
          this.#conversation(command),
          world.users[command.user % world.users.length]!,
        );
      case 'mode':
        return this.#wish(host, this.#conversation(command), command.mode);
      case 'pull':
        return this.#serially(command.device, (client) => this.#reader.pull(client, host, command.limit, command.fate));
      case 'subscribe':
        return this.#serially(command.device, (client) => this.#reader.subscribe(client, host, command.turns));
      case 'read':
        return this.#markRead(host, command.message, world.users[command.user % world.users.length]!);
      case 'list':
        return this.#list(host, world.users[command.user % world.users.length]!);
      case 'configure': {
        const user = world.users[command.user % world.users.length]!;
        return this.settings.configure(host, { ...command, user, conversation: this.#conversation(command) });
      }
      case 'crash':
        return host.gate.arm(command.after, command.how);
      case 'outage':
        return host.gate.failWrites(world.users[command.user % world.users.length]!, command.calls);
      case 'restart':
        return world.replace(host);
      case 'recover':
        return this.#attempts.run(host, 'recover', () => host.sync.recover());
      case 'pass':
        return world.pass(command.ms);
      case 'drain':
        return this.#drain(host);
    }
  }

  #conversation({ conversation }: { readonly conversation: number }): string {
    return this.world.conversations[conversation % this.world.conversations.length]!;
  }

  async #send(host: Host, { conversation, user }: { conversation: number; user: number }): Promise<void> {
    const name = this.#conversation({ conversation });
    const sender = this.world.users[user % this.world.users.length]!;
    const key = `m${this.operations.length}`;
    const known = this.#known.filter((each) => each.conversation === name).map(({ seqId }) => seqId!);
    const operation: Operation = {
      kind: 'message',
      extras: drawExtras(this.operations.length, this.world.users, known),
      conversation: name,
      user: sender,
      key,
      target: 0n,
      seqId: undefined,
    };
    this.operations.push(operation);
    await this.#operate(host, operation);
  }

  async #operate(host: Host, operation: Operation): Promise<void> {
    const { kind, conversation, user: sender, key, target, extras, seqId: before } = operation;
    if (kind === 'edit' && this.#recalled.has(`${target}@${conversation}`)) return;
    const outcome = await this.#attempts.run(host, `${kind} ${key} of ${sender} to ${conversation}`, () =>
      kind === 'message'
        ? host.sync.send({ conversation, sender, body: key, key, ...extras })
        : host.sync
            .edit(conversation, target, key, { key })
            .catch(excuseRecalled(() => this.#recalled.has(`${target}@${conversation}`))),
    );
    if (!outcome?.value) return;
    const { seqId, duplicate } = outcome.value;
    if (before !== undefined && (seqId !== before || !duplicate))
      this.#attempts.violations.push(
        `${key} was acknowledged as ${before} and, sent again, as ${seqId}, duplicate: ${duplicate}`,
      );
    operation.seqId = seqId;
    this.#expectDelivery(host, conversation, outcome.value);
  }

  #expectDelivery(host: Host, conversation: string, { seqId, delivered }: Sent): void {
    const { users, sync } = this.world;
    const noted = delivered.then(
      async () => {
        const heads = await sync.heads(users);
        this.delivered.push({
          conversation,
          seqId,
          inboxes: new Map(users.map((user, i) => [user, heads[i]!.lastSeqId])),
        });
      },
      (error: unknown) => {
        if (!this.#attempts.isExcused(error)) this.#attempts.violations.push(`not delivered: ${error}`);
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
      const operation: Operation = { kind, conversation, user, key, target: seqId!, extras: {}, seqId: undefined };
      this.operations.push(operation);
      return this.#operate(host, operation);
    }
    this.#recalled.add(`${seqId}@${conversation}`);
    const outcome = await this.#attempts.run(host, `recall ${seqId} of ${conversation}`, () =>
      host.sync.recall(conversation, seqId!),
    );
    if (outcome) this.#expectDelivery(host, conversation, outcome.value);
  }

  /** Acknowledged messages. */
  get #known(): Operation[] {
    return this.operations.filter(({ kind, seqId }) => kind === 'message' && seqId !== undefined);
  }

  async #change(host: Host, kind: 'join' | 'leave', conversation: string, user: string): Promise<void> {
    const members = this.#members.get(conversation)!;
    if (kind === 'leave') members.delete(user);
    const outcome = await this.#attempts.run(host, `${kind} ${user} ${conversation}`, () =>
      host.sync[kind](conversation, user),
    );
    if (!outcome) return;
    if (kind === 'join') members.add(user);
    this.#expectDelivery(host, conversation, outcome.value);
  }

  /** A new process chooses the mode again, and a join of a present member makes all processes do so. */
  async #wish(host: Host, conversation: string, mode: 'write' | 'read'): Promise<void> {
    this.world.wishes.set(conversation, mode);
    if (this.world.setting.directory === 'listed') return this.world.replace(host);
    const [member] = this.#members.get(conversation)!;
    if (member !== undefined) await this.#change(host, 'join', conversation, member);
  }

  #serially<T>(device: number, run: (client: DeviceClient) => Promise<T>): Promise<T> {
    const client = this.clients[device % this.clients.length]!;
    const work = client.busy.then(() => run(client));
    client.busy = work.catch(() => undefined);
    return work;
  }

  async #markRead(host: Host, message: number, user: string): Promise<void> {
    const known = this.#known;
    const target = known[message % known.length];
    if (!target) return;
    const { conversation, seqId } = target;
    const outcome = await this.#attempts.run(host, `read ${seqId} of ${conversation} by ${user}`, () =>
      host.sync.markRead(user, conversation, seqId!),
    );
    if (!outcome) return;
    if (outcome.value < seqId!)
      this.#attempts.violations.push(`${user} marked ${seqId} of ${conversation} and ${outcome.value} stands`);
    const key = `${user}@${conversation}`;
    if (outcome.value > (this.reads.get(key) ?? 0n)) this.reads.set(key, outcome.value);
  }

  async #list(host: Host, user: string): Promise<void> {
    await this.#attempts.run(host, `list ${user}`, async () => {
      for await (const { unread } of host.sync.conversations(user)) if (unread < 0) throw new Error(`${unread} unread`);
    });
  }

  async #idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Resolves once nothing is under way and no conversation is behind, or after a while. */
  async #drain(host: Host): Promise<void> {
    const others = [...this.#underWay];
    await atMost(500, Promise.allSettled(others));
    for (let attempts = 0; attempts < 5; attempts++) {
      const outcome = await this.#attempts.run(host, 'recover', () => host.sync.recover());
      if (outcome) break;
      await this.world.replaced();
      host = this.world.host(attempts);
    }
    await atMost(500, Promise.allSettled(this.#deliveries));
    if (others.every((other) => !this.#underWay.has(other)) && this.#deliveries.size === 0)
      this.#attempts.quietAt = this.#attempts.changes;
  }
}

function excuseRecalled(isRecalled: () => boolean): (error: unknown) => undefined {
  return (error) => {
    if (isTimelineError(error) && error.code === 'TIMELINE_NOT_FOUND' && isRecalled()) return undefined;
    throw error;
  };
}
