import { pause } from '../../../src/toolkit/index.js';
import { isAuthError } from '../errors.js';
import { duplicate, type RedisClient, type RedisClusterClient, type RedisNode, trafficOf } from './client.js';
import { slotOfKey } from './hash-slot.js';
import { type CommandOptions, isAnswerDue, type PendingCommand, PendingCommands } from './pending-commands.js';
import type { Route, RouteOptions } from './server-route.js';

const PROBE_PAUSE_MS = 50;

/** A node with pending commands. */
interface BusyNode {
  readonly node: RedisNode;
  readonly traffic: number;
  /** The last change of the traffic, or the last check of the silence. */
  at: number;
  /** A second connection that shows whether the node answers, while its first one is silent. */
  candidate: RedisClient | undefined;
}

/**
 * The connections of a Cluster client of our own. ioredis makes and redirects them, but learns only from answers; this
 * also drops the one to a node that has gone silent while it answers on another connection, or that does not serve the
 * slot any more.
 */
export class ClusterRoute implements Route {
  readonly #options: RouteOptions;
  readonly #pending: PendingCommands;
  readonly #cluster: RedisClusterClient;
  readonly #busyNodes = new Map<string, BusyNode>();
  readonly #probes = new Map<number, Promise<unknown>>();
  /** Connections that are about to end, though their status does not show it yet. */
  readonly #dropped = new WeakSet<RedisNode>();
  #lastError: Error | undefined;
  #isClosed = false;

  constructor(origin: RedisClusterClient, options: RouteOptions) {
    this.#options = options;
    this.#pending = new PendingCommands(options.budgetMs, (now) => this.#check(now));
    this.#cluster = duplicate(origin, options.budgetMs) as RedisClusterClient;
    this.#cluster.on('ready', () => {
      this.#lastError = undefined;
      this.#options.onReady();
    });
    const onError = (error: Error & { lastNodeError?: Error }) => {
      const cause = error.lastNodeError ?? error;
      this.#lastError = cause;
      // Waiting for the slots does not help against a refused password.
      if (isAuthError(cause)) this.#pending.rejectSentTo('', cause);
    };
    this.#cluster.on('error', onError);
    this.#cluster.on('node error', onError);
  }

  get client(): RedisClusterClient {
    return this.#cluster;
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  isReady(key: string): boolean {
    const node = this.#nodeNamed(this.#masterOf(key));
    return node?.status === 'ready' && !this.#dropped.has(node);
  }

  /**
   * Sends a harmless command first: the commands that a Cluster client sends are what makes and redirects its
   * connections.
   */
  async becomeReady(key: string, deadline: number): Promise<void> {
    for (;;) {
      try {
        await this.#probe(key, deadline);
        return;
      } catch (error) {
        const isRefused = isAuthError(this.#lastError ?? (error as Error));
        if (this.#isClosed || isRefused || performance.now() + PROBE_PAUSE_MS >= deadline) throw error;
      }
      await pause(PROBE_PAUSE_MS);
    }
  }

  send(options: CommandOptions, run: (client: RedisClient) => Promise<unknown>): Promise<unknown> {
    return this.#pending.track(this.#masterOf(options.key), options, () => run(this.#cluster));
  }

  sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]> {
    const nodes = this.#cluster.nodes('master').filter((node) => node.status === 'ready' && !this.#dropped.has(node));
    const options = { key: '', deadline, isSlow: true };
    return Promise.all(nodes.map((node) => this.#pending.track(nameOf(node), options, () => run(node))));
  }

  reconnect(key: string): void {
    const name = this.#masterOf(key);
    this.#cluster.refreshSlotsCache?.(() => {});
    this.#drop(name, 'the node does not serve this slot any more');
  }

  close(): void {
    this.#isClosed = true;
    this.#pending.stop(new Error('the connection was closed'));
    for (const name of [...this.#busyNodes.keys()]) this.#forget(name);
    this.#cluster.disconnect();
  }

  /** One for each slot at a time; those who wait for it have deadlines of their own. */
  #probe(key: string, deadline: number): Promise<unknown> {
    const slot = slotOfKey(key);
    let probe = this.#probes.get(slot);
    if (!probe) {
      probe = this.#cluster.call('exists', [key]).finally(() => this.#probes.delete(slot));
      this.#probes.set(slot, probe);
    }
    const answer = probe;
    return this.#pending.track(this.#masterOf(key), { key, deadline }, () => answer);
  }

  #masterOf(key: string): string {
    return this.#cluster.slots[slotOfKey(key)]?.[0] ?? '';
  }

  #nodeNamed(name: string): RedisNode | undefined {
    return this.#cluster.nodes('all').find((node) => nameOf(node) === name);
  }

  #check(now: number): void {
    const byNode = new Map<string, PendingCommand[]>();
    for (const command of this.#pending.sent) {
      const name = command.sentTo as string;
      const commands = byNode.get(name);
      if (commands) commands.push(command);
      else byNode.set(name, [command]);
    }
    for (const name of this.#busyNodes.keys()) if (!byNode.has(name)) this.#forget(name);
    for (const [name, commands] of byNode) this.#checkNode(name, commands, now);
  }

  #checkNode(name: string, commands: readonly PendingCommand[], now: number): void {
    const node = this.#nodeNamed(name);
    const busy = this.#busyNodes.get(name);
    const traffic = node ? trafficOf(node) : 0;
    if (busy?.node !== node || busy?.traffic !== traffic) {
      this.#forget(name);
      if (node) this.#busyNodes.set(name, { node, traffic, at: now, candidate: undefined });
      return;
    }
    const { silenceMs } = this.#options;
    if (!busy || now - busy.at < silenceMs || !isAnswerDue(commands, now, silenceMs)) return;
    busy.at = now;
    this.#cluster.refreshSlotsCache?.(() => {});
    if (commands.some(({ key, isSlow }) => !isSlow && this.#masterOf(key) !== name))
      this.#drop(name, 'another node serves this slot now');
    else if (!busy.candidate) this.#connectCandidate(name, busy);
  }

  /** Drops the connection if the candidate is answered first: a busy node answers the older connection first. */
  #connectCandidate(name: string, busy: BusyNode): void {
    const candidate = duplicate(busy.node, this.#options.budgetMs);
    busy.candidate = candidate;
    candidate.on('ready', async () => {
      // A refusal is an answer too.
      await candidate.call('ping', []).catch(() => {});
      if (this.#busyNodes.get(name)?.candidate !== candidate) return;
      if (trafficOf(busy.node) === busy.traffic) this.#drop(name, 'the node went silent, though it answers others');
      else this.#forget(name);
    });
  }

  /** The pool of ioredis forgets an ended connection, and makes another when it needs one. */
  #drop(name: string, why: string): void {
    const node = this.#nodeNamed(name);
    if (node) {
      this.#dropped.add(node);
      node.disconnect();
    }
    this.#forget(name);
    this.#pending.rejectSentTo(name, new Error(why));
  }

  #forget(name: string): void {
    this.#busyNodes.get(name)?.candidate?.disconnect();
    this.#busyNodes.delete(name);
  }
}

function nameOf({ options }: RedisNode): string {
  return `${options.host}:${options.port}`;
}
