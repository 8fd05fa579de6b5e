import { Cluster, Redis } from 'ioredis';
import { freePort, RedisServer } from './redis-server.js';
import { until } from './until.js';

const MASTERS = 3;
const SLOTS = 16384;

export interface ClusterNode {
  readonly server: RedisServer;
  readonly client: Redis;
  readonly id: string;
}

/** Three masters and a replica of each, on loopback. */
export class RedisCluster {
  readonly nodes: readonly ClusterNode[];

  private constructor(nodes: readonly ClusterNode[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const starts = await Promise.allSettled(Array.from({ length: 2 * MASTERS }, startNode));
    const cluster = new RedisCluster(starts.flatMap((start) => (start.status === 'fulfilled' ? start.value : [])));
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      await cluster.#form();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get masters(): readonly ClusterNode[] {
    return this.nodes.slice(0, MASTERS);
  }

  /** A client of its own, that the caller ends. */
  connect(): Cluster {
    const cluster = new Cluster(this.nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port })));
    cluster.on('error', () => {});
    return cluster;
  }

  /** The node that serves a slot now, as its neighbours see it. */
  async ownerOf(slot: number): Promise<ClusterNode> {
    for (const { client } of this.nodes.filter(({ server }) => server.running)) {
      const ranges = (await client.call('cluster', 'slots')) as [number, number, [string, number]][];
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      const owner = this.nodes.find(({ server }) => server.port === range?.[2][1]);
      if (owner) return owner;
    }
    throw new Error(`nobody serves slot ${slot}`);
  }

  async replicaOf(master: ClusterNode): Promise<ClusterNode> {
    const [line = ''] = (await master.client.call('cluster', 'replicas', master.id)) as string[];
    const replica = this.nodes.find(({ id }) => line.startsWith(id));
    if (!replica) throw new Error('this master has no replica');
    return replica;
  }

  /**
   * Moves a slot with its keys in small steps, as `redis-cli --cluster reshard` does; `between` runs between the steps.
   */
  async moveSlot(
    slot: number,
    from: ClusterNode,
    to: ClusterNode,
    between: () => Promise<void> = async () => {},
  ): Promise<void> {
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const keys = (await from.client.cluster('GETKEYSINSLOT', slot, 1)) as string[];
      if (keys.length === 0) break;
      await from.client.migrate('127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys);
      await between();
    }
    await to.client.cluster('SETSLOT', slot, 'NODE', to.id);
    await from.client.cluster('SETSLOT', slot, 'NODE', to.id);
  }

  async stop(): Promise<void> {
    for (const { client } of this.nodes) client.disconnect();
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
  }

  async #form(): Promise<void> {
    const [first, ...others] = this.nodes as [ClusterNode, ...ClusterNode[]];
    for (const [i, { client }] of this.masters.entries()) {
      const from = Math.floor((SLOTS / MASTERS) * i);
      const to = Math.floor((SLOTS / MASTERS) * (i + 1)) - 1;
      await client.call('cluster', 'addslotsrange', from, to);
      await client.cluster('SET-CONFIG-EPOCH', i + 1);
    }
    for (const { server } of others)
      await first.client.call('cluster', 'meet', '127.0.0.1', server.port, server.busPort);
    const known = async ({ client }: ClusterNode) => (await this.#nodesKnownTo(client)).length === 2 * MASTERS;
    await until('all nodes know each other', async () => (await Promise.all(this.nodes.map(known))).every(Boolean));
    for (const [i, { client }] of this.nodes.slice(MASTERS).entries()) {
      await client.cluster('REPLICATE', (this.masters[i] as ClusterNode).id);
    }
    const ready = async ({ client }: ClusterNode, i: number) => {
      const state = (await client.cluster('INFO')) as string;
      const linked = i < MASTERS || (await client.info('replication')).includes('master_link_status:up');
      const replicas = (await this.#nodesKnownTo(client)).filter((line) => line.includes('slave')).length;
      return state.includes('cluster_state:ok') && linked && replicas === MASTERS;
    };
    await until('the Cluster is whole', async () => (await Promise.all(this.nodes.map(ready))).every(Boolean), 30_000);
  }

  async #nodesKnownTo(client: Redis): Promise<string[]> {
    return ((await client.cluster('NODES')) as string)
      .trim()
      .split('\n')
      .filter((line) => !line.includes('handshake'));
  }
}

async function startNode(): Promise<ClusterNode> {
  const busPort = await freePort();
  const server = await RedisServer.start({
    persistence: 'aof',
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1000',
      '--cluster-port',
      String(busPort),
      '--repl-diskless-sync-delay',
      '0',
    ],
    busPort,
  });
  const client = new Redis(server.port);
  client.on('error', () => {});
  return { server, client, id: (await client.cluster('MYID')) as string };
}
