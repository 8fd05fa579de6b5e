import { setTimeout as pause } from 'node:timers/promises';
import { Child } from './child.js';
import type { Contender, ServerPlace } from './contender.js';

type Server = Child<number, never>;

const COUNT = 2;
/** Time that a server is away between its end and its next start, in milliseconds. */
const AWAY_MS = 1000;

/** Two processes on one store. In turn, one of them is killed or ended in order, and starts again. */
export class Servers {
  readonly #contender: Contender;
  readonly #place: ServerPlace;
  readonly #servers: (Server | undefined)[] = [];
  /** Called with the ports of those that take connections, after each change. */
  onChange: (ports: readonly number[]) => void = () => undefined;
  kills = 0;
  orderlyEnds = 0;
  /** Orderly ends that took too long, and became kills. */
  lateEnds = 0;
  #isStopping = false;
  #restarting: Promise<void> = Promise.resolve();
  #wake = () => {};

  private constructor(contender: Contender, place: ServerPlace) {
    this.#contender = contender;
    this.#place = place;
  }

  static async start(contender: Contender, place: ServerPlace): Promise<Servers> {
    const servers = new Servers(contender, place);
    try {
      for (let i = 0; i < COUNT; i++) servers.#servers[i] = await servers.#start();
      return servers;
    } catch (error) {
      await servers.close();
      throw error;
    }
  }

  get ports(): readonly number[] {
    return this.#servers.flatMap((server) => (server?.isRunning ? [server.ready] : []));
  }

  startRestarting(everyMs: number): void {
    this.#isStopping = false;
    this.#restarting = this.#restartAll(everyMs);
    // Awaited by `stopRestarting`.
    this.#restarting.catch(() => undefined);
  }

  /** Resolves once all are up. Rejects if one did not start. */
  async stopRestarting(): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    await this.#restarting;
  }

  async close(): Promise<void> {
    await this.stopRestarting().catch(() => undefined);
    await Promise.all(this.#servers.map((server) => server?.end('SIGKILL')));
  }

  async #restartAll(everyMs: number): Promise<void> {
    for (let turn = 0; ; turn++) {
      const waiting = new AbortController();
      this.#wake = () => waiting.abort();
      await pause(everyMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      if (this.#isStopping) return;
      // Each of them meets each kind of end.
      const isKill = turn % COUNT === Math.floor(turn / COUNT) % COUNT;
      await this.#restart(turn % COUNT, isKill);
    }
  }

  async #restart(index: number, isKill: boolean): Promise<void> {
    const server = this.#servers[index];
    if (isKill) {
      await server?.end('SIGKILL');
      this.kills++;
      this.onChange(this.ports);
    } else {
      // A balancer sends nobody to a server that is told to end.
      this.#servers[index] = undefined;
      this.onChange(this.ports);
      if ((await server?.end('SIGTERM')) === false) this.lateEnds++;
      this.orderlyEnds++;
    }
    await pause(AWAY_MS);
    this.#servers[index] = await this.#start();
    this.onChange(this.ports);
  }

  #start(): Promise<Server> {
    return Child.start<number, never>(this.#contender.script, this.#place);
  }
}
