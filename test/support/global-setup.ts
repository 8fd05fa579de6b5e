import { rmSync } from 'node:fs';
import { bundlesOf } from './bundled.js';
import { hasRedis, MISSING_REDIS } from './redis-server.js';

/** Runs once, before all test files. On CI each file that needs Redis fails by itself. */
export default function setup(): void {
  if (process.env.CI !== 'true' && !hasRedis()) console.warn(`${MISSING_REDIS}; without it they are skipped`);
}

/** Runs once, after all of them. */
export function teardown(): void {
  rmSync(bundlesOf(process.pid), { recursive: true, force: true });
}
