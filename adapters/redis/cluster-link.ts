import { duplicate, type RedisClient, type RedisClusterClient, type RedisNode, trafficOf } from './client.js';
import { isDue, type LinkOptions, type Route } from './link.js';
import { Outstanding, type Sending, type Sent } from './outstanding.js';
import { isRefusedLogin } from './redis-errors.js';
import { slotOfKey } from './slot.js';

const PROBE_REST_MS = 50;

/** A node from which an answer is due. */
interface Watched {
  readonly node: RedisNode;
  readonly traffic: number;
  /** When the traffic was seen to change, or the silence was last looked into. */
  at: number;
  /** Asked whether the node answers, while its connection is silent. */
  candidate: RedisClient | undefined;
}

/**
 * The connections of a Cluster client of our own. ioredis makes and redirects them; this drops the one to a node that
 * has gone silent while it answers on another, or that does not serve the slot any more, as ioredis would learn from an
 * answer only.
 */
export class ClusterLink implements Route {
  readonly #options: LinkOptions;
  readonly #outstanding: Outstanding;
  readonly #cluster: RedisClusterClient;
  readonly #watched = new Map<string, Watched>();
  readonly #probes = new Map<number, Promise<unknown>>();
  /** Connections that are about to end, though their state does not yet tell. */
  readonly #dropped = new WeakSet<RedisNode>();
  #lastError: Error | undefined;
  #closed = false;

  constructor(origin: RedisClusterClient, options: LinkOptions) {
    this.#options = options;
    this.#outstanding = new Outstanding(options.budgetMs, (now) => this.#look(now));
    this.#cluster = duplicate(origin, options.budgetMs) as RedisClusterClient;
    this.#cluster.on('ready', () => {
      this.#lastError = undefined;
      this.#options.onReady();
    });
    const note = (error: Error & { lastNodeError?: Error }) => {
      const cause = error.lastNodeError ?? error;
      this.#lastError = cause;
      // No waiting for the slots helps against a password that is refused.
      if (isRefusedLogin(cause)) this.#outstanding.lose('', cause);
    };
    this.#cluster.on('error', note);
    this.#cluster.on('node error', note);
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
   * Finds the way with a command that harms nothing: connections of a Cluster are made, and redirected, by what is sent
   * over them.
   */
  async becomeReady(key: string, deadline: number): Promise<void> {
    for (;;) {
      try {
        await this.#probe(key, deadline);
        return;
      } catch (error) {
        const isVain = isRefusedLogin(this.#lastError ?? (error as Error));
        if (this.#closed || isVain || performance.now() + PROBE_REST_MS >= deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PROBE_REST_MS));
    }
  }

  send(sending: Sending, run: (client: RedisClient) => Promise<unknown>): Promise<unknown> {
    return this.#outstanding.track(this.#masterOf(sending.key), sending, () => run(this.#cluster));
  }

  sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]> {
    const nodes = this.#cluster.nodes('master').filter((node) => node.status === 'ready' && !this.#dropped.has(node));
    const sending = { key: '', deadline, patient: true };
    return Promise.all(nodes.map((node) => this.#outstanding.track(nameOf(node), sending, () => run(node))));
  }

  distrust(key: string): void {
    const name = this.#masterOf(key);
    this.#cluster.refreshSlotsCache?.(() => {});
    this.#drop(name, 'the node does not serve this slot any more');
  }

  close(): void {
    this.#closed = true;
    this.#outstanding.stop(new Error('the connection was closed'));
    for (const name of [...this.#watched.keys()]) this.#forget(name);
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
    return this.#outstanding.track(this.#masterOf(key), { key, deadline }, () => answer);
  }

  #masterOf(key: string): string {
    return this.#cluster.slots[slotOfKey(key)]?.[0] ?? '';
  }

  #nodeNamed(name: string): RedisNode | undefined {
    return this.#cluster.nodes('all').find((node) => nameOf(node) === name);
  }

  #look(now: number): void {
    const sent = new Map<string, Sent[]>();
    for (const each of this.#outstanding.sent) {
      const name = each.to as string;
      const some = sent.get(name);
      if (some) some.push(each);
      else sent.set(name, [each]);
    }
    for (const name of this.#watched.keys()) if (!sent.has(name)) this.#forget(name);
    for (const [name, some] of sent) this.#lookAt(name, some, now);
  }

  #lookAt(name: string, sent: readonly Sent[], now: number): void {
    const node = this.#nodeNamed(name);
    const watched = this.#watched.get(name);
    const traffic = node ? trafficOf(node) : 0;
    if (watched?.node !== node || watched?.traffic !== traffic) {
      this.#forget(name);
      if (node) this.#watched.set(name, { node, traffic, at: now, candidate: undefined });
      return;
    }
    const { silenceMs } = this.#options;
    if (!watched || now - watched.at < silenceMs || !isDue(sent, now, silenceMs)) return;
    watched.at = now;
    this.#cluster.refreshSlotsCache?.(() => {});
    if (sent.some(({ key, patient }) => !patient && this.#masterOf(key) !== name))
      this.#drop(name, 'another node serves this slot now');
    else if (!watched.candidate) this.#ask(name, watched);
  }

  #ask(name: string, watched: Watched): void {
    const candidate = duplicate(watched.node, this.#options.budgetMs);
    watched.candidate = candidate;
    candidate.on('ready', async () => {
      // A refusal is an answer.
      await candidate.call('ping', []).catch(() => {});
      if (this.#watched.get(name)?.candidate !== candidate) return;
      if (trafficOf(watched.node) === watched.traffic)
        this.#drop(name, 'the node went silent, though it answers others');
      else this.#forget(name);
    });
  }

  /** The pool forgets it when it has ended, and makes another when it is needed. */
  #drop(name: string, why: string): void {
    const node = this.#nodeNamed(name);
    if (node) {
      this.#dropped.add(node);
      node.disconnect();
    }
    this.#forget(name);
    this.#outstanding.lose(name, new Error(why));
  }

  #forget(name: string): void {
    this.#watched.get(name)?.candidate?.disconnect();
    this.#watched.delete(name);
  }
}

function nameOf({ options }: RedisNode): string {
  return `${options.host}:${options.port}`;
}
