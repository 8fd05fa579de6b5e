import type { OpenedDevice } from '../device-position.js';
import type { Closing, Frame } from '../protocol.js';
import type { Services } from '../routes/route.js';
import { deviceFrames } from './device-frames.js';
import { type FrameSink, LiveStream } from './live-stream.js';
import { readyFrame, whenOpened } from './opening.js';

/** Milliseconds after which a browser's EventSource connects again: other ones for each client. */
const LEAST_RETRY_MS = 1000;
const RETRY_SPREAD_MS = 3000;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};
/** A longer page is written in parts. */
const WRITE_CHARACTERS = 16_384;
const BEAT = ': ping\n\n';

/** Answers with a stream of server-sent events. Rejects if the position is not accepted. */
export async function eventStream<M>(
  { options, streams }: Services<M>,
  { device, after }: OpenedDevice<M>,
  reader: { readonly user: string; readonly device: string | undefined; readonly request: Request },
): Promise<Response> {
  const { limits } = options;
  const release = streams.reserve(reader.user);
  const stopping = new AbortController();
  try {
    const frames = deviceFrames(device, after, stopping.signal);
    const first = frames.next();
    await whenOpened(first);
    const sink = new EventSink<M>(limits.bufferedBytes, () => stream.stop());
    const stream = new LiveStream(frames, sink, stopping, options);
    streams.add(stream);
    const { signal } = reader.request;
    const stop = () => stream.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void stream.run(readyFrame(reader, after, limits), first).finally(() => {
      signal.removeEventListener('abort', stop);
      release();
    });
    return new Response(sink.body, { headers: HEADERS });
  } catch (error) {
    stopping.abort();
    release();
    throw error;
  }
}

/** Writes frames as server-sent events. */
class EventSink<M> implements FrameSink<M> {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #most: number;
  /** Frames of a page whose end has not come yet: a write for each would cost more than the frame. */
  #page = '';
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(bufferedBytes: number, onGone: () => void) {
    this.#most = bufferedBytes;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#drain(),
        cancel: () => {
          this.#controller = undefined;
          this.#drain();
          onGone();
        },
      },
      { highWaterMark: bufferedBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
    this.#write(`retry: ${LEAST_RETRY_MS + Math.floor(Math.random() * RETRY_SPREAD_MS)}\n\n`);
  }

  send(frame: Frame<M>): void {
    const id = 'id' in frame && frame.id !== undefined ? `id: ${frame.id}\n` : '';
    this.#page += `event: ${frame.event}\n${id}data: ${JSON.stringify(frame.data)}\n\n`;
    const goesOn = frame.event === 'message' && id === '';
    if (!goesOn || this.#page.length >= WRITE_CHARACTERS) this.#writePage();
  }

  beat(): void {
    if (this.#controller?.desiredSize === this.#most && this.#page === '') this.#write(BEAT);
  }

  drained(): Promise<void> | undefined {
    if ((this.#controller?.desiredSize ?? 1) > 0) return undefined;
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  end(closing: Closing): void {
    const controller = this.#controller;
    if (!controller) return;
    // A client that does not read would never get the frame, and keep its connection.
    if (closing.reason === 'slow') controller.error(new Error('the client does not read'));
    else {
      this.send({ event: 'closing', data: closing });
      controller.close();
    }
    this.#controller = undefined;
    this.#drain();
  }

  #writePage(): void {
    const text = this.#page;
    this.#page = '';
    this.#write(text);
  }

  #write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  #drain(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
  }
}
