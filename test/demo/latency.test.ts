import { describe, expect, it } from 'vitest';
import { Latency } from '../../demo/page/counting/latency.js';

const AWAY = Number.POSITIVE_INFINITY;

describe('the times from a send to a screen', () => {
  it('run from the send to another device, whether the answer or the device comes first', () => {
    const latency = new Latency();
    latency.sent('lunch', 1n, 'ann', 100);
    latency.shown('lunch', 1n, 104, 0);
    latency.shown('lunch', 2n, 209, 0);
    latency.sent('lunch', 2n, 'bob', 200);
    expect(latency.newest(10)).toEqual([
      { sender: 'ann', ms: 4 },
      { sender: 'bob', ms: 9 },
    ]);
  });

  it('leave out devices that were away when it was sent', () => {
    const latency = new Latency();
    latency.sent('lunch', 1n, 'ann', 100);
    latency.shown('lunch', 1n, 60_000, AWAY);
    latency.shown('lunch', 2n, 60_001, 60_000);
    latency.sent('lunch', 2n, 'ann', 200);
    expect(latency.quantiles()).toBeUndefined();
  });
});
