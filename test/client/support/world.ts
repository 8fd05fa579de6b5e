import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import {
  type ChatClient,
  type ChatConversation,
  type ChatEntry,
  type ChatOptions,
  connectChat,
  type ShownMessage,
  type WebSocketConstructor,
} from '../../../client/index.js';
import { startTablestoreEmulator } from '../../../emulator/index.js';
import { hasRedis, RedisServer } from '../../support/redis-server.js';
import { addressOf } from '../../support/tablestore-store.js';
import { TestProcess } from '../../support/test-process.js';
import { until } from '../../support/until.js';
import { type Served, type ServeOptions, serve } from './served.js';
import type { ChildArguments } from './server-child.js';

export type StoreKind = 'memory' | 'sqlite' | 'redis' | 'tablestore';

let redis: Promise<RedisServer> | undefined;

/** A server that ends at once when it is killed, and starts again on its port with its data. */
export class Server {
  port = 0;
  readonly #start: (port: number) => Promise<Served | TestProcess>;
  #running: Served | TestProcess | undefined;

  constructor(start: (port: number) => Promise<Served | TestProcess>) {
    this.#start = start;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where it runs in this process. */
  get sync(): Served['sync'] {
    if (!this.#running || this.#running instanceof TestProcess) throw new Error('the server has a process of its own');
    return this.#running.sync;
  }

  async start(): Promise<this> {
    this.#running = await this.#start(this.port);
    this.port = this.#running instanceof TestProcess ? Number(await this.#running.next()) : this.#running.port;
    return this;
  }

  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running instanceof TestProcess) await running.kill();
    else await running?.end();
  }
}

/** Starts a server on a store. On memory it runs in this process, else in one of its own, which `kill` kills. */
export async function startServer(kind: StoreKind = 'memory', options: ServeOptions = {}): Promise<Server> {
  const child = (place: Omit<ChildArguments, 'port'>) => async (port: number) =>
    new TestProcess(resolve(import.meta.dirname, 'server-child.ts'), [JSON.stringify({ port, ...place, ...options })]);
  let start: (port: number) => Promise<Served | TestProcess>;
  if (kind === 'memory') {
    const adapter = memoryAdapter();
    start = (port) => serve(adapter, port, options);
  } else if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-client-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    start = child({ file: join(folder, 'chat.db') });
  } else if (kind === 'tablestore') {
    const emulator = await startTablestoreEmulator();
    onTestFinished(() => emulator.close());
    start = child({ tablestore: addressOf(emulator) });
  } else {
    redis ??= RedisServer.start();
    start = child({ redis: { port: (await redis).port, prefix: `${randomUUID()}:` } });
  }
  const server = await new Server(start).start();
  onTestFinished(() => server.kill());
  return server;
}

/** Runs tests on each store. */
export function onStores(
  title: string,
  tests: (kind: StoreKind) => void,
  kinds: readonly StoreKind[] = ['memory', 'sqlite', 'redis'],
): void {
  for (const kind of kinds)
    describe.skipIf(kind === 'redis' && !hasRedis())(`${title} (${kind})`, () => {
      tests(kind);
      afterAll(async () => {
        const running = redis;
        redis = undefined;
        await (await running)?.stop();
      });
    });
}

export const TRANSPORTS = ['sse', 'websocket'] as const;

/** A client with what it has been told. Closed after the test. */
export class Person {
  readonly chat: ChatClient<string>;
  readonly states: string[] = [];
  readonly entries: ChatEntry<string>[] = [];
  readonly errors: string[] = [];

  constructor(url: string, user: string, options: ChatOptions = {}) {
    this.chat = connectChat<string>(url, {
      ...{ token: user, maxPauseMs: 300, WebSocket: WebSocket as unknown as WebSocketConstructor },
      ...options,
    });
    this.chat.on('state', (state) => this.states.push(state));
    this.chat.on('message', (entry) => this.entries.push(entry));
    this.chat.on('error', ({ code, status }) => this.errors.push(`${status} ${code}`));
    onTestFinished(() => this.chat.close());
  }

  /** Bodies of the messages that have arrived, each as often as it did. */
  get bodies(): string[] {
    return this.entries.flatMap(({ kind, body }) => (kind === 'message' ? [String(body)] : []));
  }

  live(): Promise<void> {
    return until('the client is live', () => this.chat.state === 'live');
  }

  async loaded(conversation: string): Promise<ChatConversation<string>> {
    const opened = this.chat.conversation(conversation);
    await until(`${conversation} is loaded`, () => opened.isLoaded);
    return opened;
  }

  /** Makes users members of a conversation, this one among them. */
  async found(conversation: string, ...users: string[]): Promise<void> {
    await this.chat.request('POST', `/conversations/${encodeURIComponent(conversation)}/members`, { users });
  }
}

/** A shown message in a word. */
export function inShort({ body, status, recalled, edited, related }: ShownMessage<string>): string {
  const reactions = related.map((each) => `${each.sender}:${each.body}`).join(' ');
  return [
    recalled ? '(recalled)' : body,
    edited && '(edited)',
    status !== 'sent' && `(${status})`,
    reactions && `[${reactions}]`,
  ]
    .filter(Boolean)
    .join(' ');
}

export const shown = ({ messages }: ChatConversation<string>): string[] => messages.map(inShort);

/** Waits until the conversation shows these. */
export async function untilShown(conversation: ChatConversation<string>, expected: readonly string[]): Promise<void> {
  const text = JSON.stringify(expected);
  await until(`it shows ${text}`, () => JSON.stringify(shown(conversation)) === text).catch((error) => {
    throw new Error(`${error.message}, but ${JSON.stringify(shown(conversation))}`);
  });
}
