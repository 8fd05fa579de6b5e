import { Attempts } from './attempts.js';
import { type Delivered, Deliveries } from './deliveries.js';
import { DeviceClient } from './device-client.js';
import { DeviceEnds } from './device-ends.js';
import { DeviceReader } from './device-reader.js';
import { MemberCommands } from './member-commands.js';
import { MessageCommands, type Operation } from './message-commands.js';
import { PageReader } from './page-reader.js';
import { Questions } from './questions.js';
import { ReadMarks } from './read-marks.js';
import type { Command, Fate } from './scenario.js';
import { SettingsCommands } from './settings-commands.js';
import { SignalCommands } from './signal-commands.js';
import { atMost, within } from './within.js';
import type { Host, World } from './world.js';

/** Commands after which the conversations, and who sees them, are as before. */
const CHANGING_NOTHING: readonly Command['do'][] = [
  ...(['pull', 'list', 'page', 'pass', 'drain'] as const),
  ...(['forget', 'devices', 'signal', 'members', 'positions'] as const),
];

/** Plays commands, several at once, and records acknowledgements. */
export class Player {
  readonly world: World;
  readonly clients: readonly DeviceClient[];
  readonly members: MemberCommands;
  readonly pages: PageReader;
  readonly marks: ReadMarks;
  readonly questions: Questions;
  readonly signals: SignalCommands;
  readonly settings: SettingsCommands;
  readonly #attempts: Attempts;
  readonly #ends: DeviceEnds;
  readonly #reader: DeviceReader;
  readonly #messages: MessageCommands;
  readonly #deliveries: Deliveries;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(world: World) {
    this.world = world;
    this.#attempts = new Attempts(world);
    this.settings = new SettingsCommands(this.#attempts);
    this.marks = new ReadMarks(world, this.#attempts);
    this.questions = new Questions(world, this.#attempts, this.marks);
    this.signals = new SignalCommands(world, this.#attempts);
    this.#ends = new DeviceEnds(world, this.#attempts);
    this.#reader = new DeviceReader(world, this.#attempts, this.#ends, this.signals);
    this.#deliveries = new Deliveries(world, this.#attempts);
    this.#messages = new MessageCommands(world, this.#attempts, this.#deliveries);
    this.members = new MemberCommands(world, this.#attempts, this.#deliveries);
    this.pages = new PageReader(this.#attempts);
    const { devicesPerUser, starts, positions } = world.setting;
    this.clients = world.users.flatMap((user, i) =>
      Array.from({ length: devicesPerUser }, (_, j) => {
        const index = i * devicesPerUser + j;
        const start = starts[index % starts.length]!;
        return new DeviceClient(user, `device-${j}`, start, positions[index % positions.length]!);
      }),
    );
  }

  get operations(): readonly Operation[] {
    return this.#messages.operations;
  }

  get delivered(): readonly Delivered[] {
    return this.#deliveries.resolved;
  }

  get violations(): readonly string[] {
    return this.#attempts.violations;
  }

  async play(command: Command): Promise<void> {
    if (!CHANGING_NOTHING.includes(command.do)) this.#attempts.changes++;
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
          this.#pull(client, world.host(i), 1 + world.random.below(20), 'ack'),
        );
        if (isDone) break;
        if (i === pulls - 1) this.#attempts.violations.push(`${client.name} never came to an end`);
      }
    }
    for (const user of world.users) await within(`the devices of ${user}`, this.#devices(world.host(0), user));
  }

  async #do(command: Command): Promise<unknown> {
    const { world } = this;
    const host = 'process' in command ? world.host(command.process) : world.host(0);
    switch (command.do) {
      case 'send':
        return this.#messages.send(host, this.#conversation(command), this.#user(command.user));
      case 'again': {
        const operation = this.operations[command.operation % this.operations.length];
        return operation && this.#messages.operate(host, operation);
      }
      case 'edit':
      case 'recall':
        return this.#messages.amend(host, command.do, command.message, this.#actor(command));
      case 'join':
      case 'leave':
        return this.members.change(
          host,
          command.do,
          this.#conversation(command),
          this.#user(command.user),
          this.#actor(command),
        );
      case 'trim':
        return this.#trim(host, this.#conversation(command), command.part);
      case 'page': {
        const [conversation, user] = [this.#conversation(command), command.user];
        const request = { ...command, conversation, user: user === undefined ? undefined : this.#user(user) };
        return this.pages.read(host, request, this.#messages.changesOf(conversation));
      }
      case 'mode':
        return this.members.wish(host, this.#conversation(command), command.mode);
      case 'pull':
        return this.#serially(command.device, (client) => this.#pull(client, host, command.limit, command.fate));
      case 'subscribe':
        return this.#serially(command.device, (client) => this.#subscribe(client, host, command.turns));
      case 'read':
        return this.#markRead(host, command.message, this.#user(command.user));
      case 'list':
        return this.#list(host, this.#user(command.user));
      case 'configure': {
        const user = this.#user(command.user);
        return this.settings.configure(host, { ...command, user, conversation: this.#conversation(command) });
      }
      case 'crash':
        return host.gate.arm(command.after, command.how);
      case 'outage':
        return host.gate.failWrites(this.#user(command.user), command.calls);
      case 'restart':
        return world.replace(host);
      case 'recover':
        return this.#attempts.run(host, 'recover', () => host.sync.recover());
      case 'pass':
        return world.pass(command.ms);
      case 'drain':
        return this.#drain(host);
      case 'forget': {
        const { device, isIdle } = command;
        const forget = (client: DeviceClient) => this.#ends.forget(host, client, isIdle);
        return isIdle ? this.#serially(device, forget) : forget(this.#client(device));
      }
      case 'devices':
        return this.#devices(host, this.#user(command.user));
      case 'signal':
        return this.signals.send(host, this.#conversation(command), this.#user(command.user));
      case 'members':
        return this.questions.members(host, this.#conversation(command), this.#user(command.user));
      case 'positions': {
        const { user } = command;
        return this.questions.positions(
          host,
          this.#conversation(command),
          user === undefined ? user : this.#user(user),
        );
      }
    }
  }

  #conversation({ conversation }: { readonly conversation: number }): string {
    return this.world.conversations[conversation % this.world.conversations.length]!;
  }

  #user(user: number): string {
    return this.world.users[user % this.world.users.length]!;
  }

  #client(device: number): DeviceClient {
    return this.clients[device % this.clients.length]!;
  }

  #devices(host: Host, user: string): Promise<void> {
    return this.#ends.list(
      host,
      this.clients.filter((client) => client.user === user),
    );
  }

  #actor({ by }: { readonly by?: number }): string | undefined {
    return by === undefined ? undefined : this.#user(by);
  }

  async #trim(host: Host, conversation: string, part: number): Promise<void> {
    if (!this.world.store.capabilities.trim) return;
    const through = await this.world.records.trimPoint(conversation, part);
    if (through === 0n) return;
    await this.#attempts.run(host, `trim ${conversation} through ${through}`, () =>
      host.sync.history(conversation).trim({ through }),
    );
  }

  async #pull(client: DeviceClient, host: Host, limit: number, fate: Fate): Promise<boolean> {
    await this.#beforeBeginning(client);
    const isNew = this.#newness(client);
    const isDone = await this.#reader.pull(client, host, limit, fate);
    if (isNew()) await this.#noteBeginning(client);
    return isDone;
  }

  async #subscribe(client: DeviceClient, host: Host, turns: number): Promise<void> {
    await this.#beforeBeginning(client);
    const isNew = this.#newness(client);
    await this.#reader.subscribe(client, host, turns);
    if (isNew()) await this.#noteBeginning(client);
  }

  /** Returns `true`, later, if the device had acknowledged nothing now, or was forgotten since. */
  #newness(client: DeviceClient): () => boolean {
    const { hasAcked, restarts } = client;
    return () => !hasAcked || client.restarts !== restarts;
  }

  async #beforeBeginning({ losses, restarts }: DeviceClient): Promise<void> {
    // Nobody knows when a forgotten device began again.
    if (restarts > 0) return;
    losses.goneAtStart ??= await this.world.records.goneThrough(this.world.conversations);
  }

  /** A device that has acknowledged nothing begins with the oldest entries kept. */
  async #noteBeginning(client: DeviceClient): Promise<void> {
    client.losses.beganBehind = await this.world.records.goneThrough(this.world.conversations);
  }

  #serially<T>(device: number, run: (client: DeviceClient) => Promise<T>): Promise<T> {
    const client = this.#client(device);
    const work = client.busy.then(() => run(client));
    client.busy = work.catch(() => undefined);
    return work;
  }

  async #markRead(host: Host, message: number, user: string): Promise<void> {
    const { known } = this.#messages;
    const target = known[message % known.length];
    if (!target) return;
    await this.marks.mark(host, user, { conversation: target.conversation, seqId: target.seqId! });
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
    await atMost(500, Promise.allSettled(this.#deliveries.pending));
    if (others.every((other) => !this.#underWay.has(other)) && this.#deliveries.pending.size === 0)
      this.#attempts.quietAt = this.#attempts.changes;
  }
}
