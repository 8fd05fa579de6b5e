import { isTimelineError } from '../../../src/errors.js';
import type { Cursor } from '../../../src/index.js';
import { readerOf } from '../../../sync/shared/names.js';
import type { SyncMessage } from '../../../sync/types.js';
import type { Attempts } from './attempts.js';
import type { DeviceClient } from './device-client.js';
import type { DeviceEnds } from './device-ends.js';
import type { Fate } from './scenario.js';
import type { SignalCommands } from './signal-commands.js';
import type { Host, World } from './world.js';

/** Pulls and subscribes for devices in any process, and records between which heads each was rebuilt. */
export class DeviceReader {
  readonly #world: World;
  readonly #attempts: Attempts;

  readonly #ends: DeviceEnds;
  readonly #signals: SignalCommands;

  constructor(world: World, attempts: Attempts, ends: DeviceEnds, signals: SignalCommands) {
    this.#world = world;
    this.#attempts = attempts;
    this.#ends = ends;
    this.#signals = signals;
  }

  /** Resolves with true if nothing was left. */
  async pull(client: DeviceClient, host: Host, limit: number, fate: Fate): Promise<boolean> {
    const time = this.#world.time;
    const changes = this.#attempts.changes;
    await this.#beforeReading(client);
    const { user, device: name, start } = client;
    const device = host.sync.device(user, name, { start });
    const outcome = await this.#attempts.run(host, `pull ${client.name}`, () =>
      device.pull({ limit, after: client.after }),
    );
    if (!outcome) return false;
    const page = outcome.value;
    // The page may be of either life. The next pull gives that of the new one.
    if (await this.#hasRestarted(client)) return false;
    // The device may have been recorded at the beginning of the call.
    client.use(time, this.#world.time);
    if (!client.hasAcked) client.beganAt = this.#world.time;
    this.#world.note(
      `${client.name} pulled${page.resynced ? ', resynced,' : ''} ${placesOf(page.messages)} and will ${fate}`,
    );
    if (page.messages.some(({ kind }) => kind === 'signal'))
      this.#attempts.violations.push(`${client.name} pulled a signal`);
    if (page.messages.length > limit)
      this.#attempts.violations.push(`${client.name} asked for ${limit} and got ${page.messages.length}`);
    if (fate === 'lose') return false;
    if (page.resynced) await this.#resync(client);
    await this.#noteStart(client, page.resynced, changes);
    client.losses.tell(page.truncated);
    const acked = client.keep(page.messages);
    if (fate === 'keep') return false;
    const other = this.#world.random.chance(0.2) ? this.#world.host(this.#world.random.below(10)) : host;
    if (!(await this.#ack(client, other, page.cursor))) return false;
    acked();
    if (page.upToDate) client.freshAt = time;
    return page.upToDate && page.messages.length === 0;
  }

  /** Resolves with true if the client has moved on: it keeps the cursor, or its acknowledgement was answered. */
  async #ack(client: DeviceClient, host: Host, cursor: Cursor): Promise<boolean> {
    if (client.after !== undefined) {
      client.after = cursor;
      return true;
    }
    const { user, device, start, name } = client;
    client.use(this.#world.time, this.#world.time);
    const ack = await this.#attempts.run(host, `ack ${name}`, () =>
      host.sync
        .device(user, device, { start })
        .ack(cursor)
        .then(() => true, this.#excuseForgotten(client)),
    );
    return ack?.value === true;
  }

  /** The cursor of a device that was forgotten meanwhile is refused. */
  #excuseForgotten(client: DeviceClient): (error: unknown) => Promise<false> {
    return async (error) => {
      const isRefused = isTimelineError(error) && error.code === 'TIMELINE_INVALID_CURSOR';
      if (isRefused && (await this.#ends.lifeOf(client)) !== client.life) return false;
      throw error;
    };
  }

  async #beforeReading(client: DeviceClient): Promise<void> {
    const isQuiet = this.#attempts.quietAt === this.#attempts.changes;
    // A read that was not answered may have begun the new life.
    await this.#hasRestarted(client);
    // A subscription that has ended may have done so, too.
    const isExact = isQuiet && !(client.wasSubscribed && client.restarts > 0);
    client.wasSubscribed = false;
    client.isUnused = false;
    client.use(Math.min(client.usedAt, this.#world.time), this.#world.time);
    const reader = readerOf.device(client.device, client.life);
    client.inboxBefore = await this.#world.sync.timeline(client.user).checkpoint(reader).get();
    client.since ??= { heads: await this.#world.heads(), isExact };
  }

  /** `true` if the device was forgotten while it was read. It may have begun again at any time since. */
  async #hasRestarted(client: DeviceClient): Promise<boolean> {
    const { since } = client;
    if (!(await this.#ends.notice(client))) return false;
    client.since = since && { ...since, isExact: false };
    return true;
  }

  async #resync(client: DeviceClient): Promise<void> {
    if (!this.#world.setting.expires)
      this.#attempts.violations.push(`${client.name} was resynced although nothing expires`);
    const isFresh = this.#world.isFresh(client.freshAt, this.#world.time);
    if (isFresh && !(await this.#hasLostInboxEntries(client)))
      this.#attempts.violations.push(`${client.name} was resynced although it was up to date`);
    client.clear();
    client.resyncs++;
  }

  /** An entry may have been appended and have expired since the device was up to date. */
  async #hasLostInboxEntries({ user, inboxBefore }: DeviceClient): Promise<boolean> {
    const { truncated } = await this.#world.sync.timeline(user).read({ after: inboxBefore ?? 0n, limit: 1 });
    return truncated !== undefined;
  }

  async #noteStart(client: DeviceClient, isResynced: boolean, changes: number): Promise<void> {
    const isBeginning = client.begins;
    client.hasBegun = true;
    if (isBeginning && client.after !== undefined) client.clear();
    if (isResynced || isBeginning) {
      const { start } = client;
      const last = isResynced ? this.#world.setting.resyncLast : typeof start === 'object' ? start.last : 0;
      const isExact = client.since!.isExact && changes === this.#attempts.changes;
      client.streamStart = { after: client.since!.heads, before: await this.#world.heads(), isExact, last };
    }
    if (!isResynced) client.since = undefined;
  }

  async subscribe(client: DeviceClient, host: Host, turns: number): Promise<void> {
    await this.#beforeReading(client);
    client.wasSubscribed = true;
    const subscription = this.#signals.subscribed();
    const stop = new AbortController();
    const device = host.sync.device(client.user, client.device, { start: client.start });
    const messages = device.subscribe({ signal: stop.signal, after: client.after })[Symbol.asyncIterator]();
    void this.#world.turns.pass(turns).then(() => stop.abort());
    for (let isFirst = true; ; isFirst = false) {
      const { time } = this.#world;
      const outcome = await this.#attempts.run(host, `next ${client.name}`, () => messages.next());
      if (!outcome || outcome.value.done) break;
      const message = outcome.value.value;
      if (await this.#hasRestarted(client)) break;
      client.use(time, this.#world.time);
      if (message.kind === 'signal') this.#signals.heard.push({ client, message, subscription });
      if (!client.hasAcked) client.beganAt = this.#world.time;
      if (message.resynced) await this.#resync(client);
      if (isFirst || message.resynced) await this.#noteStart(client, message.resynced === true, -1);
      const acked = client.keep([message]);
      if (!this.#world.random.chance(0.5)) continue;
      if (!(await this.#ack(client, host, message.cursor))) break;
      acked();
    }
    stop.abort();
  }
}

function placesOf(messages: readonly SyncMessage<string>[]): string {
  return (
    messages.map(({ conversation, kind, entrySeqId }) => `${conversation} ${kind} ${entrySeqId}`).join(', ') ||
    'nothing'
  );
}
