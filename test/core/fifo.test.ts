import { expect, it } from 'vitest';
import { Fifo } from '../../src/fifo.js';

it('hands out in order what is pushed while it is emptied, and forgets what it handed out', () => {
  const fifo = new Fifo<number>();
  const taken: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    fifo.push(2 * i);
    fifo.push(2 * i + 1);
    expect(fifo.peek()).toBe(taken.length);
    taken.push(fifo.shift() as number);
  }
  expect(fifo.length).toBe(10_000);
  taken.push(...fifo.drain());
  expect(taken).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  expect([fifo.length, fifo.peek(), fifo.shift(), fifo.length]).toEqual([0, undefined, undefined, 0]);
  fifo.push(7);
  expect(fifo.shift()).toBe(7);
});
