import type { AdapterWarning, Call, Capabilities } from '../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../src/errors.js';
import type { Connections } from './connection/connections.js';
import { messageOf } from './errors.js';

type Config = Readonly<Record<string, string>>;

/** With more Timelines, the memory that each of them takes matters. */
const MANY_TIMELINES = 10_000;

const SETTINGS = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'stream-node-max-bytes'];

/**
 * Refuses a server that the client cannot write to: a replica, or a node of a Cluster without a client for Clusters.
 */
export async function checkServer(connections: Connections, key: string, call: Call): Promise<void> {
  if (connections.client.isCluster) return;
  let info: string;
  try {
    info = String(await connections.read.fromServerOf(key, 'info', [], call));
  } catch (error) {
    if (isForbidden(error)) return;
    throw error;
  }
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
  if (field('cluster_enabled') === '1') {
    throw invalidArgument(
      'client',
      'is a Redis, but its server is a node of a Cluster: give a Cluster, new Cluster([{ host, port }])',
    );
  }
  if (field('role') === 'slave') {
    const master = `${field('master_host')}:${field('master_port')}`;
    const message =
      `the server is a replica, which takes no writes: give a client of its master, which is ${master} now, ` +
      'or of the Sentinels that know it';
    throw new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true });
  }
}

/**
 * Warns of a configuration that is unsafe for Timelines. Resolves with what an append survives; with the least of it,
 * and a warning, if the user may not read the configuration.
 */
export async function inspectServer(
  connections: Connections,
  key: string,
  timelines: number,
  warn: (warning: AdapterWarning) => void,
  call: Call,
): Promise<Capabilities['durability']> {
  let config: Config;
  try {
    config = await readConfig(connections, key, call);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    warn({
      code: 'redis-config-unknown',
      message:
        `the configuration of Redis could not be read (${messageOf(error)}): allow "+config|get", ` +
        'or check by yourself that keys are not evicted and that data are persisted',
    });
    return 'none';
  }
  for (const warning of findings(config, timelines)) warn(warning);
  if (config.appendonly === 'yes') return config.appendfsync === 'always' ? 'power' : 'process';
  return config.save ? 'process' : 'none';
}

/** The user has few rights, or a hosted Redis lacks the command. */
function isForbidden(error: unknown): boolean {
  return /Redis refused: .*(NOPERM|unknown command|ERR)/is.test(messageOf(error));
}

async function readConfig(connections: Connections, key: string, call: Call): Promise<Config> {
  const answers = await Promise.all(
    SETTINGS.map((name) => connections.read.fromServerOf(key, 'config', ['get', name], call)),
  );
  return Object.fromEntries(SETTINGS.map((name, i) => [name, settingIn(answers[i])]));
}

/** From a list of name and value; in RESP3 a map. */
function settingIn(answer: unknown): string {
  if (Array.isArray(answer)) return String(answer.flat()[1] ?? '');
  if (answer instanceof Map) return String([...answer.values()][0] ?? '');
  return String(Object.values(answer as object)[0] ?? '');
}

function findings(config: Config, timelines: number): AdapterWarning[] {
  const warnings: AdapterWarning[] = [];
  const policy = config['maxmemory-policy'] ?? '';
  if (policy.startsWith('allkeys')) {
    warnings.push({
      code: 'redis-eviction',
      message:
        `maxmemory-policy is ${policy}: Redis may drop any Timeline when memory runs short. ` +
        'Set it to noeviction; appends then fail instead',
    });
  }
  if (policy.startsWith('volatile')) {
    warnings.push({
      code: 'redis-key-eviction',
      message:
        `maxmemory-policy is ${policy}: when memory runs short Redis drops idempotency keys first, ` +
        'and a message that is sent again is then stored again. Set it to noeviction; appends then fail instead',
    });
  }
  if (config.appendonly !== 'yes' && !config.save) {
    warnings.push({
      code: 'redis-no-persistence',
      message: 'neither appendonly nor save is set: a restart of Redis loses every Timeline. Set "appendonly yes"',
    });
  }
  if (timelines > MANY_TIMELINES && config['stream-node-max-bytes'] === '4096') {
    warnings.push({
      code: 'redis-stream-node-size',
      message:
        'stream-node-max-bytes is at its default of 4096: each small Timeline takes more than 4 KB. ' +
        'With so many set it to 256 to 1024',
    });
  }
  return warnings;
}
