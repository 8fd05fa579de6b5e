import { onTestFinished } from 'vitest';
import type { Frame, Problem } from '../../../http/index.js';

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly json: T;
}

/** Calls as a user of a server. */
export class Caller {
  readonly url: string;
  readonly user: string | undefined;
  readonly headers: Record<string, string>;

  /** Without `user`, nobody calls. */
  constructor(url: string, user?: string, headers: Record<string, string> = {}) {
    this.url = url;
    this.user = user;
    this.headers = { ...(user !== undefined && { authorization: `Bearer ${user}` }), ...headers };
  }

  async call<T = Problem>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...this.headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
  }

  get<T>(path: string): Promise<Answer<T>> {
    return this.call<T>('GET', path);
  }

  async say(conversation: string, body: string, key?: string): Promise<string> {
    const path = `/conversations/${encodeURIComponent(conversation)}/messages`;
    const { status, json } = await this.call<{ seqId: string }>('POST', path, { body, key });
    if (status > 201) throw new Error(`${status} ${JSON.stringify(json)}`);
    return json.seqId;
  }

  /** Opens the stream of events. */
  async events(path = '/events', headers: Record<string, string> = {}): Promise<EventReader> {
    const aborting = new AbortController();
    const response = await fetch(this.url + path, {
      headers: { ...this.headers, ...headers },
      signal: aborting.signal,
    });
    const reader = new EventReader(response, aborting);
    onTestFinished(() => reader.close());
    return reader;
  }
}

export type AnyFrame = Frame<string>;

/** Reads server-sent events. */
export class EventReader {
  readonly response: Response;
  /** All frames so far. */
  readonly frames: AnyFrame[] = [];
  /** Everything that came, as it came. */
  text = '';
  readonly #aborting: AbortController;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #given = 0;

  constructor(response: Response, aborting: AbortController) {
    this.response = response;
    this.#aborting = aborting;
    this.#reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  /** The next frame; `undefined` at the end. */
  async next(): Promise<AnyFrame | undefined> {
    while (this.#given >= this.frames.length) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      const text = this.#decoder.decode(value, { stream: true });
      this.text += text;
      const blocks = (this.#rest + text).split('\n\n');
      this.#rest = blocks.pop()!;
      for (const block of blocks) if (block.startsWith('event: ')) this.frames.push(parse(block));
    }
    return this.frames[this.#given++];
  }

  /** Frames up to one that fits, with it. */
  async until(fits: (frame: AnyFrame) => boolean): Promise<AnyFrame[]> {
    const frames: AnyFrame[] = [];
    for (;;) {
      const frame = await this.next();
      if (!frame) throw new Error(`the stream ended after ${JSON.stringify(frames)}`);
      frames.push(frame);
      if (fits(frame)) return frames;
    }
  }

  untilCaughtUp(): Promise<AnyFrame[]> {
    return this.until(({ event }) => event === 'caught-up');
  }

  async rest(): Promise<AnyFrame[]> {
    const frames: AnyFrame[] = [];
    for (let frame = await this.next(); frame; frame = await this.next()) frames.push(frame);
    return frames;
  }

  close(): void {
    this.#aborting.abort();
  }
}

function parse(block: string): AnyFrame {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const { event, id, data = '' } = fields;
  return { event, data: JSON.parse(data), ...(id !== undefined && { id }) } as AnyFrame;
}

/** A frame in a word. */
export function inShort(frame: AnyFrame): string {
  if (frame.event !== 'message') return frame.event;
  const { kind, body, seqId } = frame.data;
  return kind === 'message' ? `${body}` : `${kind} ${seqId}`;
}

export const bodiesOf = (frames: readonly AnyFrame[]): string[] =>
  frames.flatMap((frame) => (frame.event === 'message' ? [inShort(frame)] : []));

/** The last position of the frames. */
export function lastId(frames: readonly AnyFrame[]): string | undefined {
  return frames.flatMap((frame) => ('id' in frame && frame.id !== undefined ? [frame.id] : [])).at(-1);
}
