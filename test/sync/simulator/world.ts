import type { TimelineStore } from '../../../src/types.js';
import { assemble } from '../../../sync/create-sync.js';
import { hybridDiffusion, readDiffusion, writeDiffusion } from '../../../sync/index.js';
import { assembleDirectory } from '../../../sync/members/timeline-directory.js';
import type { Diffusion, Directory, MessageSync, Mode, Stored, Synced } from '../../../sync/types.js';
import type { Random } from '../../../testing/random.js';
import { DEVICE_TTL_MS } from './added-commands.js';
import { EntryRecords } from './entry-records.js';
import type { Data, Family } from './families.js';
import { Gate } from './gate.js';
import { type Libraries, openLibraries } from './libraries.js';
import { type Setting, STORE_TTL_MS, TTL_MS } from './scenario.js';
import { Turns } from './turns.js';

/** Short, so that living processes are taken over from as well as dead ones. */
const PATIENCE = { leastMs: 2, mostMs: 20 };
/** Membership logs are compacted all the time. */
const LEAST_CHANGES = 3;
/** The times of two entries may be off by this much: clocks differ and go back. */
export const MARGIN_MS = 10 * 60_000;

/** One process: its access to the stores, and its message sync. */
export interface Host {
  readonly name: string;
  readonly gate: Gate;
  readonly sync: MessageSync<string>;
  close(): Promise<void>;
}

/** The data and clock that all processes of a run share, and direct access to the data without faults. */
export class World {
  readonly setting: Setting;
  readonly random: Random;
  readonly turns: Turns;
  readonly users: readonly string[];
  readonly conversations: readonly string[];
  /** Modes that commands asked for, by conversation. */
  readonly wishes = new Map<string, Mode>();
  readonly hosts: Host[] = [];
  readonly #clock: { time: number };
  readonly #data: Data;
  readonly #abandoned: Host[] = [];
  readonly #raw: Libraries;
  readonly records: EntryRecords;
  #passing: Promise<void> = Promise.resolve();
  crashes = 0;
  /** The events of the run, for the report. */
  readonly trace: string[] = [];
  #started = 0;
  /** Milliseconds that have passed: clocks may go back, this time does not. */
  #elapsed = 0;
  readonly #replacing = new Set<Promise<void>>();
  /** No more faults are injected. */
  isFaultFree = false;
  #isEnding = false;

  static async create(family: Family, setting: Setting, random: Random): Promise<World> {
    const data = await family.create();
    const clock = { time: 1_750_000_000_000 };
    const raw = await openLibraries(data.connect(), () => clock.time, setting);
    const world = new World(setting, random, clock, data, raw);
    while (world.hosts.length < setting.processes) world.hosts.push(await world.#start());
    return world;
  }

  private constructor(setting: Setting, random: Random, clock: { time: number }, data: Data, raw: Libraries) {
    this.setting = setting;
    this.random = random;
    this.#clock = clock;
    this.turns = new Turns(random);
    this.users = Array.from({ length: setting.users }, (_, i) => `user-${i}`);
    this.conversations = Array.from({ length: setting.conversations }, (_, i) => `conversation-${i}`);
    this.#data = data;
    this.#raw = raw;
    this.records = new EntryRecords(raw.store, { expires: setting.storeExpires });
  }

  get store(): TimelineStore<Stored<string>> {
    return this.#raw.store;
  }

  get state(): TimelineStore<Stored<string>> {
    return this.#raw.state ?? this.#raw.store;
  }

  get sync(): TimelineStore<Synced<string>> {
    return this.#raw.sync;
  }

  /** Injects no more faults. */
  clearFaults(): void {
    this.isFaultFree = true;
    for (const { gate } of this.hosts) gate.clearFaults();
  }

  note(event: string): string {
    this.trace.push(event);
    return event;
  }

  /** Milliseconds since 1970; may go back. */
  get time(): number {
    return this.#clock.time;
  }

  /** Entries of conversations are recorded before they can expire. */
  pass(ms: number): Promise<void> {
    this.#passing = this.#passing.then(async () => {
      for (let left = ms; left !== 0; ) {
        if (this.setting.storeExpires) await this.recordAll();
        const step = this.setting.storeExpires ? Math.min(left, STORE_TTL_MS / 3) : left;
        this.#clock.time += step;
        if (step > 0) this.#elapsed += step;
        left -= step;
      }
    });
    return this.#passing;
  }

  async recordAll(): Promise<void> {
    for (const conversation of this.conversations) await this.records.record(conversation);
  }

  host(index: number): Host {
    return this.hosts[index % this.hosts.length] as Host;
  }

  /** The last SeqIds of all conversations. */
  async heads(): Promise<Map<string, bigint>> {
    const heads = await this.store.heads(this.conversations);
    return new Map(this.conversations.map((conversation, i) => [conversation, heads[i]!.lastSeqId]));
  }

  /** Starts another process instead of one that died or is closing. */
  async replace(host: Host): Promise<void> {
    if (this.#abandoned.includes(host)) return;
    this.#abandoned.push(host);
    const next = await this.#start();
    this.hosts[this.hosts.indexOf(host)] = next;
    if (!host.gate.isDead) await host.close();
  }

  /** Resolves once each process that died has been followed by another. */
  async replaced(): Promise<void> {
    while (this.#replacing.size > 0) await Promise.all(this.#replacing);
  }

  /** Resolves once nothing that a dead process asked for can be executed any more. */
  async idle(): Promise<void> {
    for (const { gate } of this.#abandoned) await gate.idle();
  }

  /** `true` if no entry after `freshAt` can have expired. */
  isFresh(freshAt: number, time: number): boolean {
    return time - freshAt < TTL_MS - MARGIN_MS;
  }

  /** `true` if no entry of this time can have expired. */
  isKept(at: number, time: number): boolean {
    return !this.setting.expires || at > time - TTL_MS + MARGIN_MS;
  }

  /** `true` if an entry of this time was about to expire: a clock that goes back shows it again. */
  isExpiring(at: number, time: number): boolean {
    return this.setting.expires && Math.abs(time - at - TTL_MS) <= MARGIN_MS;
  }

  async #start(): Promise<Host> {
    const name = `process ${++this.#started}`;
    const gate = new Gate(this.turns, this.random);
    const { store: toStore, sync: toSync } = this.#data.connect();
    const skew = Math.round((this.random.next() - 0.5) * this.setting.skewMs);
    const adapters = { store: gate.adapter(toStore), sync: gate.adapter(toSync) };
    const libraries = await openLibraries(adapters, () => this.time + skew, this.setting);
    const { store, sync: inboxes, state = store } = libraries;
    const { newcomers, bodies, resyncLast, faults, receipts, membershipEvents, devicesExpire } = this.setting;
    const options = {
      ...{ store, state, sync: inboxes, newcomers, bodies, resyncLast, receipts, membershipEvents },
      deviceTtlMs: devicesExpire ? DEVICE_TTL_MS : undefined,
      directory: this.#directory(state),
      diffusion: this.#diffusion(),
      recoverEveryMs: 0,
      pollMs: 10,
      onWarning: () => undefined,
    };
    const sync = assemble<string>(options, {
      ...{ patience: PATIENCE, memberChangesPerLook: 1 },
      clock: { now: () => this.time + skew, elapsed: () => this.#elapsed },
    });
    gate.faults = this.isFaultFree ? 0 : faults;
    void gate.died.then(async () => {
      if (this.#isEnding) return;
      this.crashes++;
      this.note(`${name} died`);
      const replacing = this.replace(host);
      this.#replacing.add(replacing);
      await replacing.finally(() => this.#replacing.delete(replacing));
    });
    const host: Host = {
      ...{ name, gate, sync },
      async close() {
        const closing = (async () => {
          await sync.close().catch((error: unknown) => {
            if (!gate.isDead) throw error;
          });
          await libraries.close();
        })();
        await Promise.race([closing, gate.isBuried ? closing : gate.died]);
      },
    };
    return host;
  }

  #diffusion(): Diffusion {
    const { diffusion } = this.setting;
    if (diffusion === 'write') return writeDiffusion();
    if (diffusion === 'read') return readDiffusion();
    return hybridDiffusion({
      writeUpTo: 2,
      writeBelow: 2,
      policy: ({ conversation }) => this.wishes.get(conversation),
    });
  }

  #directory(state: TimelineStore<Stored<string>>): Directory {
    if (this.setting.directory === 'timeline') return assembleDirectory(state, LEAST_CHANGES);
    return { members: () => this.users, conversations: () => this.conversations };
  }

  async dispose(): Promise<void> {
    this.#isEnding = true;
    const hosts = [...this.hosts, ...this.#abandoned];
    for (const { gate } of hosts) gate.kill();
    await Promise.all(hosts.map(({ gate }) => gate.bury()));
    await Promise.all(hosts.map((host) => host.close()));
    await this.#raw.close();
    await this.#data.dispose();
  }
}
