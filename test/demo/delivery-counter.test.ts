import { beforeEach, describe, expect, it } from 'vitest';
import { DeliveryCounter } from '../../demo/page/counting/delivery-counter.js';
import { FaultyHandOver, type TestFault } from '../../demo/page/counting/test-faults.js';

let counter: DeliveryCounter;

beforeEach(() => {
  counter = new DeliveryCounter();
  counter.begin('lunch', 100n);
  counter.expect('laptop', 'lunch');
  counter.expect('phone', 'lunch');
});

const summary = () => {
  const { sent, lost, repeated, outOfOrder } = counter.count();
  return { sent, lost, repeated, outOfOrder };
};
const device = (id: string) => counter.count().devices.get(id);

/** The phone gets entries 101 to 104, with one fault; the laptop gets them as they are. */
function deliver(fault?: TestFault): void {
  const phone = new FaultyHandOver<bigint>(
    (seqId) => counter.show('phone', 'lunch', seqId),
    () => {},
  );
  for (let seqId = 101n; seqId <= 104n; seqId++) {
    counter.stored('lunch', seqId);
    counter.show('laptop', 'lunch', seqId);
    if (seqId === 102n && fault !== undefined) phone.arm(fault);
    phone.pass(seqId);
  }
}

describe('the delivery counter', () => {
  it('counts what is new, once for each device, and nothing from before', () => {
    counter.show('phone', 'lunch', 99n);
    deliver();
    expect(summary()).toEqual({ sent: 4, lost: 0, repeated: 0, outOfOrder: 0 });
    expect(device('phone')).toEqual({ received: 4, waiting: 0 });
  });

  it('tells what waits from what is lost', () => {
    counter.stored('lunch', 101n);
    counter.stored('lunch', 102n);
    counter.show('phone', 'lunch', 101n);
    expect(device('phone')).toEqual({ received: 1, waiting: 1 });
    expect(device('laptop')).toEqual({ received: 0, waiting: 2 });
    expect(counter.count().lost).toBe(0);
  });

  it.each([
    ['lost', { sent: 4, lost: 1, repeated: 0, outOfOrder: 0 }],
    ['repeated', { sent: 4, lost: 0, repeated: 1, outOfOrder: 0 }],
    ['out-of-order', { sent: 4, lost: 0, repeated: 0, outOfOrder: 1 }],
  ] as const)('one entry %s is one, and stays until it counts afresh', (fault, expected) => {
    deliver(fault);
    expect(summary()).toEqual(expected);
    expect(counter.count().firstFault).toEqual({ kind: fault, device: 'phone', conversation: 'lunch', seqId: 102n });
    counter.reset();
    expect(summary()).toEqual({ sent: 0, lost: 0, repeated: 0, outOfOrder: 0 });
    expect(counter.count().firstFault).toBeUndefined();
  });

  it('finds the loss when the acknowledgement comes after later entries', () => {
    counter.show('phone', 'lunch', 102n);
    expect(counter.count().lost).toBe(0);
    counter.stored('lunch', 101n);
    expect(counter.count()).toMatchObject({ lost: 1, firstFault: { device: 'phone', seqId: 101n } });
    expect(device('laptop')).toEqual({ received: 0, waiting: 2 });
  });

  it('asks a rebuilt device for nothing from before, and takes nothing that it shows again for a repetition', () => {
    deliver();
    counter.stored('lunch', 105n);
    counter.stored('lunch', 106n);
    counter.rebuild('phone');
    for (const seqId of [104n, 106n]) counter.show('phone', 'lunch', seqId);
    expect(summary()).toEqual({ sent: 6, lost: 0, repeated: 0, outOfOrder: 0 });
    expect(device('phone')).toEqual({ received: 5, waiting: 0 });
    counter.show('phone', 'lunch', 108n);
    counter.stored('lunch', 107n);
    expect(counter.count().lost).toBe(1);
  });

  it('counts for a new device what comes after it', () => {
    deliver();
    counter.expect('tablet', 'lunch');
    counter.beginDevice('tablet');
    counter.show('tablet', 'lunch', 103n);
    expect(device('tablet')).toEqual({ received: 0, waiting: 0 });
    counter.stored('lunch', 105n);
    expect(device('tablet')).toEqual({ received: 0, waiting: 1 });
    counter.show('tablet', 'lunch', 105n);
    expect(device('tablet')).toEqual({ received: 1, waiting: 0 });
  });

  it('takes nothing for lost that a new device got before it counts', () => {
    counter.expect('tablet', 'lunch');
    counter.beginDevice('tablet', new Map([['lunch', 101n]]));
    counter.show('tablet', 'lunch', 102n);
    counter.stored('lunch', 101n);
    expect(device('tablet')).toEqual({ received: 1, waiting: 0 });
    expect(counter.count().lost).toBe(0);
  });

  it('asks a device only for the conversations of its user', () => {
    counter.begin('choir', 0n);
    counter.expect('phone', 'choir');
    counter.stored('choir', 1n);
    expect(device('phone')).toEqual({ received: 0, waiting: 1 });
    expect(device('laptop')).toEqual({ received: 0, waiting: 0 });
  });
});
