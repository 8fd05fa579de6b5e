import type { Random } from '../../../testing/random.js';

/** Settings that came after those of the plan. All are off where only the plan is played. */
export interface AddedSetting {
  /** `true` if senders are told of reads. */
  readonly receipts: boolean;
  /** `true` if devices are told of joins and leaves. */
  readonly membershipEvents: boolean;
  /** `true` if devices are forgotten by calls. */
  readonly forgets: boolean;
  /** `true` if idle devices are forgotten. */
  readonly devicesExpire: boolean;
}

export const NOTHING_ADDED: AddedSetting = {
  receipts: false,
  membershipEvents: false,
  forgets: false,
  devicesExpire: false,
};

/** Commands that a plan of the same seed never has. */
export type AddedCommand =
  | {
      readonly do: 'forget';
      readonly process: number;
      readonly device: number;
      /** Not while the device is read. */
      readonly isIdle: boolean;
    }
  | { readonly do: 'devices'; readonly process: number; readonly user: number }
  | { readonly do: 'signal'; readonly process: number; readonly conversation: number; readonly user: number }
  | { readonly do: 'members'; readonly process: number; readonly conversation: number; readonly user: number }
  | {
      readonly do: 'positions';
      readonly process: number;
      readonly conversation: number;
      /** Absent: of all members. */
      readonly user?: number;
    };

/** Commands of the plan that have more to show among these. */
type PlannedCommand =
  | { readonly do: 'subscribe'; readonly process: number; readonly device: number; readonly turns: number }
  | { readonly do: 'read'; readonly process: number; readonly message: number; readonly user: number }
  | {
      readonly do: 'pull';
      readonly process: number;
      readonly device: number;
      readonly limit: number;
      readonly fate: 'ack';
    }
  | { readonly do: 'pass'; readonly ms: number };

type Drawn = { readonly wait: boolean } & (AddedCommand | PlannedCommand);

/** Idle devices are forgotten after this time. */
export const DEVICE_TTL_MS = 32 * 3_600_000;

interface Sizes {
  readonly users: number;
  readonly devicesPerUser: number;
  readonly conversations: number;
  readonly processes: number;
  readonly directory: 'timeline' | 'listed';
}

export function drawAddedSetting(random: Random, { directory }: Sizes): AddedSetting {
  return {
    receipts: random.chance(0.5),
    membershipEvents: random.chance(0.6) && directory === 'timeline',
    forgets: random.chance(0.4),
    devicesExpire: random.chance(0.3),
  };
}

/** Draws groups of commands; each group has one place in the plan. */
export function drawAdded(random: Random, sizes: Sizes, setting: AddedSetting): Drawn[][] {
  const groups = (count: number, draw: () => Drawn[]) => random.list(random.below(count + 1), draw);
  const process = () => random.below(sizes.processes);
  const conversation = () => random.below(sizes.conversations);
  const user = () => random.below(sizes.users);
  const device = () => random.below(sizes.users * sizes.devicesPerUser);
  const wait = () => random.chance(0.3);
  const signals = (): Drawn[] => [
    { do: 'subscribe', process: process(), device: device(), turns: 40 + random.below(150), wait: false },
    ...random.list(1 + random.below(3), () => drawSignal()),
  ];
  const drawSignal = (): Drawn => ({
    ...{ do: 'signal', process: process(), conversation: conversation(), user: user(), wait: wait() },
  });
  const forget = (): Drawn[] => {
    const its = { process: process(), device: device() };
    const pull = { do: 'pull', ...its, limit: random.pick([1, 3, 100]), fate: 'ack', wait: wait() } as const;
    const forgotten = { do: 'forget', ...its, isIdle: random.chance(0.5), wait: wait() } as const;
    return random.chance(0.5) ? [pull, forgotten, { ...pull, process: process() }] : [forgotten];
  };
  return [
    ...groups(4, signals),
    ...groups(4, () => [
      { do: 'members', process: process(), conversation: conversation(), user: user(), wait: wait() },
    ]),
    ...groups(4, () => {
      const named = random.chance(0.5) ? { user: user() } : {};
      return [{ do: 'positions', process: process(), conversation: conversation(), ...named, wait: wait() }];
    }),
    ...groups(3, () => [{ do: 'devices', process: process(), user: user(), wait: wait() }]),
    ...(setting.receipts
      ? groups(8, () => [{ do: 'read', process: process(), message: random.below(1000), user: user(), wait: wait() }])
      : []),
    ...(setting.forgets ? groups(8, forget) : []),
    ...(setting.devicesExpire
      ? groups(5, () => [
          { do: 'pass', ms: random.pick([DEVICE_TTL_MS / 5, DEVICE_TTL_MS / 3, DEVICE_TTL_MS + 600_000]), wait: true },
        ])
      : []),
  ];
}
