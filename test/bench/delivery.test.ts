import { describe, expect, it } from 'vitest';
import type { Contender } from '../../bench/delivery/contender.js';
import { type DropOptions, type DropResult, runDrops } from '../../bench/delivery/drop-run.js';
import { faultsOf } from '../../bench/delivery/drops.js';
import { gatewayContender } from '../../bench/delivery/gateway-contender.js';
import { socketIoContender } from '../../bench/delivery/socket-io-contender.js';
import { Tally } from '../../bench/delivery/tally.js';
import { nightly } from '../support/nightly.js';
import { hasRedis } from '../support/redis-server.js';

const SHORT: DropOptions = {
  ...{ store: 'sqlite', clients: 4, seconds: 3, perSecond: 5 },
  ...{ cutMs: 200, restartMs: 500, quietMs: 60_000 },
};
const TIMEOUT_MS = 240_000;

const run = (contender: Contender, options: Partial<DropOptions> = {}) =>
  runDrops(contender, { ...SHORT, ...options }, () => undefined);

function expectTrouble({ sent, cuts, kills }: DropResult): void {
  for (const count of [sent, cuts, kills]) expect(count).toBeGreaterThan(0);
}

describe('the benchmark of delivery', () => {
  it('finds nothing lost, repeated or out of order behind the gateway', { timeout: TIMEOUT_MS }, async () => {
    const result = await run(gatewayContender);
    expectTrouble(result);
    expect(faultsOf(result)).toEqual([]);
  });

  describe.runIf(nightly && hasRedis())('on Redis', () => {
    it('finds the same, of more clients and restarts', { timeout: TIMEOUT_MS }, async () => {
      const result = await run(gatewayContender, { store: 'redis', clients: 12, seconds: 20, cutMs: 1000 });
      expectTrouble(result);
      expect(result.orderlyEnds).toBeGreaterThan(0);
      expect(faultsOf(result)).toEqual([]);
    });

    it('delivers through Socket.IO too', { timeout: TIMEOUT_MS }, async () => {
      const result = await run(socketIoContender, { store: 'redis', quietMs: 10_000 });
      expectTrouble(result);
      expect(result.delivered).toBeGreaterThan(result.expected / 2);
    });
  });

  it('counts each message for each member but its sender, once', () => {
    const tally = new Tally(new Map([['team', ['ann', 'bob', 'cem']]]));
    const [first, second, third] = [1, 2, 3].map(() => tally.next('ann', 'team'));
    expect(tally.counts).toMatchObject({ sent: 3, expected: 6, delivered: 0 });
    for (const [i, message] of [first, third, second, second].entries()) tally.seen('bob', message!, BigInt(i));
    tally.seen('ann', first!, 0n);
    expect(tally.counts).toMatchObject({ delivered: 3, repeated: 1, outOfOrder: 1, outOfPosition: 0 });
    expect(tally.isComplete).toBe(false);
  });

  it('counts messages of different senders that come in another order than their positions', () => {
    const tally = new Tally(new Map([['team', ['ann', 'bob', 'cem']]]));
    const [ofAnn, ofBob] = [tally.next('ann', 'team'), tally.next('bob', 'team')];
    tally.seen('cem', ofBob, 2n);
    tally.seen('cem', ofAnn, 1n);
    expect(tally.counts).toMatchObject({ delivered: 2, outOfOrder: 0, outOfPosition: 1 });
  });
});
