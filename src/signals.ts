import { onAbort } from './abort.js';
import { invalidArgument, reasonOf, TimelineError } from './errors.js';
import { ABORTABLE, checkOptions } from './options.js';
import type { Session } from './session.js';
import { checkArray, checkText, describeValue, isWellFormed, utf8Length } from './text.js';
import type { Abortable, SignalListener } from './types.js';
import { isThenable } from './user-code.js';

const MAX_TOPIC_BYTES = 255;
const MAX_PAYLOAD_BYTES = 64 * 1024;

/** Passes signals on to other listeners of the library. Nothing is stored, and any signal may be lost. */
export class Signals {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async publish(topic: string, payload: string, options?: Abortable): Promise<void> {
    checkTopic(topic, 'topic');
    checkPayload(payload);
    const { signal } = checkOptions(options, ABORTABLE);
    this.#checkUsable();
    const { library } = this.#session;
    // Not repeated if its outcome is unknown: no listener hears a signal twice.
    await this.#session.write(
      (call) => library.publish!(topic, payload, call),
      { idempotent: false, operation: { name: 'publish' } },
      signal,
    );
  }

  /** Returns the function that ends it. */
  listen(topics: readonly string[], listener: SignalListener): () => void {
    const named = new Set(checkArray(topics, 'topics').map((topic, i) => checkTopic(topic, `topics[${i}]`)));
    if (typeof listener !== 'function')
      throw invalidArgument('listener', `must be a function, not ${describeValue(listener)}`);
    this.#checkUsable();
    const { library, closing } = this.#session;
    let isListening = true;
    const hear = (topic: string) => (payload: string) => {
      // In a turn of its own, so that no listener runs within `publish` or delays the adapter.
      setImmediate(() => {
        if (isListening) this.#call(listener, topic, payload);
      });
    };
    const ends = [...named].map((topic) => library.listen!(topic, hear(topic)));
    const stop = () => {
      isListening = false;
      for (const end of ends.splice(0)) end();
    };
    ends.push(onAbort(closing, stop));
    return stop;
  }

  #call(listener: SignalListener, topic: string, payload: string): void {
    const failed = (reason: unknown) => {
      const message = `a listener of the topic ${describeValue(topic)} failed: ${reasonOf(reason)}`;
      this.#session.warn({ code: 'listener-failed', message });
    };
    try {
      const result: unknown = listener(topic, payload);
      if (isThenable(result)) Promise.resolve(result).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #checkUsable(): void {
    this.#session.checkOpen();
    this.#session.checkSupported('signals');
  }
}

function checkTopic(topic: unknown, argument: string): string {
  return checkText(topic, argument, MAX_TOPIC_BYTES);
}

function checkPayload(payload: unknown): void {
  if (typeof payload !== 'string') throw invalidArgument('payload', `must be a string, not ${describeValue(payload)}`);
  if (!isWellFormed(payload)) throw invalidArgument('payload', 'holds a lone surrogate, which has no UTF-8 form');
  if (utf8Length(payload) <= MAX_PAYLOAD_BYTES) return;
  const details = { argument: 'payload', limit: MAX_PAYLOAD_BYTES };
  throw new TimelineError('TIMELINE_TOO_LARGE', `payload is longer than ${MAX_PAYLOAD_BYTES} bytes`, details);
}
