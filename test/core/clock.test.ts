import { describe, expect, it } from 'vitest';
import type { AdapterWarning } from '../../src/adapter.js';
import { AcceptedClock } from '../../src/clock.js';

const START = 1_750_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A machine: what its clock says is true time and how wrong it is set; monotonic time cannot be set. */
class Machine {
  elapsed = 0;
  wrong = 0;
  readonly warnings: AdapterWarning[] = [];

  clock(toleranceMs = 5 * MINUTE): AcceptedClock {
    const origin = this.elapsed;
    return new AcceptedClock({
      now: () => START + this.elapsed + this.wrong,
      monotonic: () => this.elapsed - origin + 17,
      toleranceMs,
      warn: (warning) => this.warnings.push(warning),
    });
  }

  get true(): number {
    return START + this.elapsed;
  }

  /** Lets time pass with a look every second or so. */
  pass(ms: number, clocks: readonly AcceptedClock[], stepMs = 1000): void {
    for (const end = this.elapsed + ms; this.elapsed < end; ) {
      this.elapsed = Math.min(end, this.elapsed + stepMs);
      for (const clock of clocks) clock.entryTime();
    }
  }
}

function both(clock: AcceptedClock): number[] {
  return [clock.entryTime(), clock.expiryTime()];
}

describe('accepted time', () => {
  it('is the clock while that runs steadily, and follows small steps at once', () => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.pass(10_000, [clock]);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    machine.wrong = 4 * MINUTE;
    expect(both(clock)).toEqual([machine.true + 4 * MINUTE, machine.true + 4 * MINUTE]);
    expect(machine.warnings).toEqual([]);
  });

  it.each([30 * DAY, -30 * DAY])('ignores a step of %d ms that lasts three seconds, and warns once', (step) => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.wrong = step;
    machine.pass(3000, [clock]);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    machine.wrong = 0;
    expect(both(clock)).toEqual([machine.true, machine.true]);
    expect(machine.warnings.map(({ code }) => code)).toEqual(['clock-skew']);
  });

  it('takes a larger step for new entries after a steady minute, for expiry after a steady hour', () => {
    const machine = new Machine();
    const clock = machine.clock();
    machine.pass(1000, [clock]);
    machine.wrong = DAY;
    machine.pass(MINUTE - 1000, [clock]);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    machine.pass(3000, [clock]);
    expect(both(clock)).toEqual([machine.true + DAY, machine.true]);
    machine.pass(HOUR - MINUTE - 5000, [clock]);
    expect(clock.expiryTime()).toBe(machine.true);
    machine.pass(5000, [clock]);
    expect(both(clock)).toEqual([machine.true + DAY, machine.true + DAY]);
  });

  it('never takes the time of a clock that keeps stepping', () => {
    const machine = new Machine();
    const clock = machine.clock();
    for (let i = 0; i < 200; i++) {
      machine.wrong += 4 * MINUTE;
      machine.pass(30_000, [clock]);
    }
    expect(both(clock).map((time) => Math.abs(time - machine.true) <= 5 * MINUTE)).toEqual([true, true]);
  });

  it('follows a clock that drifts as clocks do', () => {
    const machine = new Machine();
    const clock = machine.clock();
    for (let i = 0; i < 30 * 24; i++) {
      machine.wrong += 1500;
      machine.pass(HOUR, [clock], 10 * MINUTE);
    }
    expect(both(clock)).toEqual([machine.true + machine.wrong, machine.true + machine.wrong]);
    expect(machine.warnings).toEqual([]);
  });

  it('goes on where the data are, when a process with another clock opens them', () => {
    const machine = new Machine();
    const kept = machine.clock().exchange(undefined);
    machine.pass(30_000, []);
    const wrong = new Machine();
    wrong.elapsed = machine.elapsed;
    wrong.wrong = 30 * DAY;
    const clock = wrong.clock();
    clock.exchange(kept);
    for (const time of both(clock)) expect(Math.abs(time - machine.true)).toBeLessThanOrEqual(30_000);
    expect(wrong.warnings.map(({ code }) => code)).toEqual(['clock-skew']);
  });

  it('counts a clock for nothing while that of another process agrees with the data', () => {
    const machine = new Machine();
    const right = machine.clock();
    let kept = right.exchange(undefined);
    const other = new Machine();
    other.wrong = 30 * DAY;
    const wrong = other.clock();
    for (let i = 0; i < 3 * 60; i++) {
      machine.pass(MINUTE / 2, [right]);
      other.elapsed = machine.elapsed;
      kept = wrong.exchange(right.exchange(kept));
    }
    for (const time of [...both(wrong), ...both(right)]) expect(Math.abs(time - machine.true)).toBeLessThan(MINUTE);
  });

  it('lets two processes that agree go on together after a long stop', () => {
    const machine = new Machine();
    let kept = machine.clock().exchange(undefined);
    machine.elapsed += 3 * DAY;
    const clocks = [machine.clock(), machine.clock()];
    for (const clock of clocks) kept = clock.exchange(kept);
    for (let i = 0; i < 2 * 61; i++) {
      machine.pass(MINUTE / 2, clocks);
      for (const clock of clocks) kept = clock.exchange(kept);
      if (i === 4) for (const clock of clocks) expect(both(clock)).toEqual([machine.true, machine.true - 3 * DAY]);
    }
    for (const clock of clocks) expect(both(clock)).toEqual([machine.true, machine.true]);
  });

  it('heals a library whose time was set ahead, once a clock has been steady for an hour', () => {
    const poisoned = new Machine();
    poisoned.wrong = 400 * DAY;
    const kept = poisoned.clock().exchange(undefined);
    const machine = new Machine();
    const clock = machine.clock();
    clock.exchange(kept);
    machine.pass(HOUR + 2000, [clock]);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    expect(clock.isFuture(machine.true + 399 * DAY)).toBe(true);
    expect(clock.isFuture(machine.true + MINUTE)).toBe(false);
  });

  it("follows the store's clock once there is one, whatever the process says", () => {
    const machine = new Machine();
    machine.wrong = 30 * DAY;
    const clock = machine.clock();
    clock.follow(machine.true + 0.7);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    machine.pass(2 * HOUR, [clock]);
    expect(both(clock)).toEqual([machine.true, machine.true]);
    clock.follow(machine.true + 30 * DAY);
    expect(both(clock)).toEqual([machine.true, machine.true]);
  });

  it('trusts the clock alone with an infinite tolerance, and keeps nothing', () => {
    const machine = new Machine();
    const clock = machine.clock(Number.POSITIVE_INFINITY);
    machine.wrong = 400 * DAY + 0.5;
    expect(both(clock)).toEqual([machine.true + 400 * DAY, machine.true + 400 * DAY]);
    clock.follow(START);
    expect(clock.entryTime()).toBe(machine.true + 400 * DAY);
    expect([clock.exchange(undefined), clock.exchange('x'), clock.isFuture(START + 10_000 * DAY)]).toEqual([
      undefined,
      'x',
      false,
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 9e15, '1' as never, 5n as never])(
    'goes on without %s',
    (answer) => {
      const machine = new Machine();
      let given: number | undefined;
      const warnings: AdapterWarning[] = [];
      const clock = new AcceptedClock({
        now: () => given ?? machine.true,
        monotonic: () => machine.elapsed,
        toleranceMs: 5 * MINUTE,
        warn: (warning) => warnings.push(warning),
      });
      given = answer;
      machine.elapsed += 2 * HOUR;
      expect(both(clock)).toEqual([machine.true, machine.true]);
      expect(warnings.map(({ code }) => code)).toEqual(['clock-skew']);
    },
  );

  it('takes no text that it cannot read', () => {
    const machine = new Machine();
    for (const kept of ['', '{}', 'null', '{"entry":1}', '{"entry":"x","expiry":1,"now":1,"writer":"w"}']) {
      const clock = machine.clock();
      clock.exchange(kept);
      expect(both(clock)).toEqual([machine.true, machine.true]);
    }
  });
});
