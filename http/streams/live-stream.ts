import { isTimelineError } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import { isFault, problemOf } from '../problems.js';
import type { Closing, Frame, GatewayLimits } from '../protocol.js';
import type { OpenStream } from './open-streams.js';

/** The connection that frames go to. */
export interface FrameSink<M> {
  send(frame: Frame<M>): void;
  /** Tells the client that the connection lives, unless something waits to be sent. */
  beat(): void;
  /** Resolves once fewer than `bufferedBytes` wait, or the connection is gone; `undefined` if that is so already. */
  drained(): Promise<void> | undefined;
  /** Sends the last frame and closes the connection. Does nothing once it is closed. */
  end(closing: Closing): void;
}

/** Streams end at different times, so that their clients come back at different times. */
const LEAST_OF_AGE = 0.9;

const DRAIN: Closing = { reason: 'drain', resume: true };
const SLOW: Closing = { reason: 'slow', resume: true };
const EXPIRED: Closing = { reason: 'expired', resume: true };

interface StreamOptions {
  readonly limits: GatewayLimits;
  readonly onError: (error: unknown) => void;
}

/** Passes frames on to one client, as fast as the client reads. */
export class LiveStream<M> implements OpenStream {
  readonly ended: Promise<void>;
  readonly #frames: AsyncIterator<Frame<M>, void>;
  readonly #sink: FrameSink<M>;
  readonly #options: StreamOptions;
  readonly #stopping: AbortController;
  readonly #hasEnded: () => void;
  #isOver = false;

  /** `stopping` ends `frames`. */
  constructor(
    frames: AsyncIterator<Frame<M>, void>,
    sink: FrameSink<M>,
    stopping: AbortController,
    options: StreamOptions,
  ) {
    this.#frames = frames;
    this.#sink = sink;
    this.#stopping = stopping;
    this.#options = options;
    let hasEnded = () => {};
    this.ended = new Promise((resolve) => {
      hasEnded = resolve;
    });
    this.#hasEnded = hasEnded;
  }

  /** Runs until the client is gone or the stream is ended. Never rejects. `first`: the first step of `frames`. */
  async run(ready: Frame<M>, first: Promise<IteratorResult<Frame<M>, void>>): Promise<void> {
    const { heartbeatMs, streamMs } = this.#options.limits;
    const beating = setInterval(() => this.#sink.beat(), heartbeatMs);
    const age = streamMs * (LEAST_OF_AGE + Math.random() * (1 - LEAST_OF_AGE));
    const aging = setTimeout(() => this.end(EXPIRED), age);
    try {
      this.#sink.send(ready);
      for (let step = await first; !step.done && !this.#isOver; step = await this.#frames.next()) {
        this.#sink.send(step.value);
        const drained = this.#sink.drained();
        if (drained && !(await this.#inTime(drained))) this.end(SLOW);
      }
      // The subscription ended, because the sync was closed.
      this.end(DRAIN);
    } catch (error) {
      this.fail(error);
    } finally {
      clearInterval(beating);
      clearTimeout(aging);
      this.#hasEnded();
    }
  }

  /** Ends the stream with a last frame. */
  end(closing: Closing): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.end(closing);
    this.stop();
  }

  drain(): void {
    this.end(DRAIN);
  }

  /** Ends the stream with an error: a mistake of the client, or a failure of the server. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    if (isTimelineError(error) && error.code === 'TIMELINE_CLOSED') {
      this.end(DRAIN);
      return;
    }
    const problem = problemOf(error);
    const isOfServer = isFault(problem);
    if (isOfServer) this.#options.onError(error);
    this.end({ reason: isOfServer ? 'failed' : 'refused', resume: isOfServer, problem });
  }

  /** The client is gone. */
  stop(): void {
    this.#isOver = true;
    this.#stopping.abort();
  }

  async #inTime(drained: Promise<void>): Promise<boolean> {
    const waiting = new AbortController();
    const late = pause(this.#options.limits.slowMs, { signal: waiting.signal }).then(() => false);
    const inTime = await Promise.race([drained.then(() => true), late]);
    waiting.abort();
    return inTime;
  }
}
