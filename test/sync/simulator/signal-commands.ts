import { isTimelineError } from '../../../src/errors.js';
import type { SignalMessage } from '../../../sync/types.js';
import type { Attempts } from './attempts.js';
import type { DeviceClient } from './device-client.js';
import { openWindow, type Window } from './windows.js';
import type { Host, World } from './world.js';

export interface SentSignal {
  readonly name: string;
  readonly conversation: string;
  readonly from: string;
  readonly begun: number;
  ended: number | undefined;
  /** `undefined` without an answer. */
  outcome: 'sent' | 'forbidden' | undefined;
  window: Window;
}

export interface HeardSignal {
  readonly client: DeviceClient;
  readonly message: SignalMessage;
  readonly subscription: Subscription;
}

/** A subscription that may hear signals. */
export interface Subscription {
  readonly begun: number;
}

/** Sends signals, and records who hears them. */
export class SignalCommands {
  readonly sent: SentSignal[] = [];
  readonly heard: HeardSignal[] = [];
  readonly #world: World;
  readonly #attempts: Attempts;
  #time = 0;

  constructor(world: World, attempts: Attempts) {
    this.#world = world;
    this.#attempts = attempts;
  }

  subscribed(): Subscription {
    return { begun: this.#time++ };
  }

  async send(host: Host, conversation: string, from: string): Promise<void> {
    const name = `s${this.#time++}`;
    const close = await openWindow(this.#world, conversation);
    const window = { ...(await close()), lastSeqId: undefined };
    const signal: SentSignal = {
      ...{ name, conversation, from, begun: this.#time++, ended: undefined, outcome: undefined, window },
    };
    this.sent.push(signal);
    const outcome = await this.#attempts.run(host, `signal ${name} of ${from} to ${conversation}`, () =>
      host.sync.signal(conversation, { from, body: { name } }).then(() => 'sent' as const, this.#refusal),
    );
    if (!outcome) return;
    signal.ended = this.#time++;
    signal.window = await close();
    if (outcome.value !== 'unsupported') signal.outcome = outcome.value;
  }

  readonly #refusal = (error: unknown): 'forbidden' | 'unsupported' => {
    const code = isTimelineError(error) ? error.code : undefined;
    const isAbsent = this.#world.sync.capabilities.signals === 'none';
    if (code === 'TIMELINE_UNSUPPORTED' && isAbsent) return 'unsupported';
    if (code === 'TIMELINE_FORBIDDEN') return 'forbidden';
    throw error;
  };
}
