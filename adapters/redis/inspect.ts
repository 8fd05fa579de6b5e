import type { AdapterWarning, Capabilities } from '../../src/adapter.js';
import { isCluster, type RedisClient } from './client.js';
import { messageOf, toTimelineError } from './redis-errors.js';

type Config = Readonly<Record<string, string>>;

/** Timelines from which on it matters what each of them takes. */
const MANY = 10_000;

const SETTINGS = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'stream-node-max-bytes'];

/**
 * Looks for what makes a server unsafe for Timelines, and tells what an append survives on it. A user who may not read the
 * configuration is told once, and is taken to have the least.
 */
export async function inspect(
  client: RedisClient,
  timelines: number,
  warn: (warning: AdapterWarning) => void,
): Promise<Capabilities['durability']> {
  const [node = client] = isCluster(client) ? client.nodes('master') : [client];
  let config: Config;
  try {
    config = await readConfig(node);
  } catch (error) {
    if (!/NOPERM|unknown command|ERR/i.test(messageOf(error))) throw toTimelineError(error, 'read');
    warn({
      code: 'redis-config-unknown',
      message: `the configuration of Redis could not be read (${messageOf(error)}): allow "+config|get", or check by yourself that keys are not evicted and that data are persisted`,
    });
    return 'none';
  }
  for (const warning of findings(config, timelines)) warn(warning);
  if (config.appendonly === 'yes') return config.appendfsync === 'always' ? 'power' : 'process';
  return config.save ? 'process' : 'none';
}

async function readConfig(client: RedisClient): Promise<Config> {
  const answers = await Promise.all(SETTINGS.map((name) => client.call('config', ['get', name])));
  return Object.fromEntries(SETTINGS.map((name, i) => [name, settingIn(answers[i])]));
}

/** A list of name and value; in RESP3 a map. */
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
      message: `maxmemory-policy is ${policy}: Redis may drop any Timeline when memory runs short. Set it to noeviction; appends then fail instead`,
    });
  }
  if (config.appendonly !== 'yes' && !config.save) {
    warnings.push({
      code: 'redis-no-persistence',
      message: 'neither appendonly nor save is set: a restart of Redis loses every Timeline. Set "appendonly yes"',
    });
  }
  if (timelines > MANY && config['stream-node-max-bytes'] === '4096') {
    warnings.push({
      code: 'redis-stream-node-size',
      message:
        'stream-node-max-bytes is at its default of 4096: each small Timeline takes more than 4 KB. With so many set it to 256 to 1024',
    });
  }
  return warnings;
}
