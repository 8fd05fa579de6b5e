/** A server as a process of its own: its arguments are one JSON. Tells its port; joins users when told to. */
import { Redis } from 'ioredis';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import { type ServeOptions, serve } from './served.js';

export interface ChildArguments extends ServeOptions {
  readonly port: number;
  readonly file?: string;
  readonly redis?: { readonly port: number; readonly prefix: string };
}

const { port, file, redis, ...options }: ChildArguments = JSON.parse(process.argv[2] ?? '');
const adapter = redis
  ? redisAdapter(new Redis({ port: redis.port }), { prefix: redis.prefix })
  : sqliteAdapter(file ?? '', { synchronous: 'normal', wakeMs: 5 });
const served = await serve(adapter, port, options);
process.send?.(served.port);
