import { Cluster, Redis } from 'ioredis';
import { redisAdapter } from '../../adapters/redis/index.js';
import { serveAdapter } from '../../testing/index.js';

const [port, prefix, kind] = process.argv.slice(2) as [string, string, string];

serveAdapter(() => {
  const at = { host: '127.0.0.1', port: Number(port) };
  return redisAdapter(kind === 'cluster' ? new Cluster([at]) : new Redis(at), { prefix });
});
