/** A server as a process of its own: its arguments are one JSON. Tells its port; joins users when told to. */
import { Redis } from 'ioredis';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import { tablestoreAdapter } from '../../../adapters/tablestore/index.js';
import { type Address, newClient } from '../../support/tablestore-store.js';
import { type ServeOptions, serve } from './served.js';

export interface ChildArguments extends ServeOptions {
  readonly port: number;
  readonly file?: string;
  readonly redis?: { readonly port: number; readonly prefix: string };
  readonly tablestore?: Address;
}

const { port, file, redis, tablestore, ...options }: ChildArguments = JSON.parse(process.argv[2] ?? '');
const adapter = redis
  ? redisAdapter(new Redis({ port: redis.port }), { prefix: redis.prefix })
  : tablestore
    ? tablestoreAdapter(newClient(tablestore), { settleMs: 20, idlePollMs: 100 })
    : sqliteAdapter(file ?? '', { synchronous: 'normal', wakeMs: 5 });
const served = await serve(adapter, port, options);
process.send?.(served.port);
