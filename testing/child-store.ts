import { within } from './assertions.js';
import type { ChildItem, ChildOutcome, Command, Report, Request } from './child-protocol.js';
import type { ForkedProcess } from './options.js';

/** An entry that a subscription in a child process received. */
export interface Arrival {
  readonly seqId: bigint;
  readonly message: string;
  readonly at: number;
}

/** A store in a child process that runs `serveAdapter`. */
export class ChildStore {
  readonly arrivals: Arrival[] = [];
  /** Codes of the errors that ended its subscriptions, by Timeline. */
  readonly ended = new Map<string, string>();
  readonly signals: { readonly topic: string; readonly payload: string }[] = [];
  readonly #child: ForkedProcess;
  readonly #waiting = new Map<number, { resolve(value: readonly ChildOutcome[]): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor(child: ForkedProcess) {
    this.#child = child;
    child.on('message', (report) => this.#receive(report as Report));
    child.on('exit', (code, signal) => this.#fail(new Error(`the child process ended early (${signal ?? code})`)));
    child.on('error', (error) => this.#fail(error));
  }

  async open(library: string): Promise<void> {
    await this.#ask({ do: 'open', library });
  }

  append(timeline: string, items: readonly ChildItem[]): Promise<readonly ChildOutcome[]> {
    return this.#ask({ do: 'append', timeline, items });
  }

  /** Resolves once the subscription has caught up; its entries are in `arrivals`. */
  async subscribe(timeline: string): Promise<void> {
    await this.#ask({ do: 'subscribe', timeline });
  }

  async advance(timeline: string, reader: string, to: readonly bigint[]): Promise<void> {
    await this.#ask({ do: 'advance', timeline, reader, to: to.map(String) });
  }

  async drop(timeline: string): Promise<void> {
    await this.#ask({ do: 'drop', timeline });
  }

  /** Signals that it hears are in `signals`. */
  async listen(topics: readonly string[]): Promise<void> {
    await this.#ask({ do: 'listen', topics });
  }

  async publish(topic: string, payload: string): Promise<void> {
    await this.#ask({ do: 'publish', topic, payload });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => this.#child.on('exit', () => resolve()));
    try {
      if (this.#child.connected) await this.#ask({ do: 'close' });
    } finally {
      if (this.#child.connected) this.#child.disconnect();
      await within('the end of the child process', exited, 5000).catch(() => this.#child.kill('SIGKILL'));
    }
  }

  #ask(command: Command): Promise<readonly ChildOutcome[]> {
    const id = ++this.#lastId;
    const answer = new Promise<readonly ChildOutcome[]>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
    this.#child.send({ id, command } satisfies Request, (error) => error && this.#fail(error));
    return within(`the child's answer to \`${command.do}\``, answer, 30_000);
  }

  #receive(report: Report): void {
    if (report.kind === 'entry') {
      this.arrivals.push({ seqId: BigInt(report.seqId), message: report.message, at: report.at });
      return;
    }
    if (report.kind === 'signal') {
      this.signals.push({ topic: report.topic, payload: report.payload });
      return;
    }
    if (report.kind === 'ended') {
      this.ended.set(report.timeline, report.code);
      return;
    }
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.kind === 'done') waiting?.resolve(report.value);
    else waiting?.reject(new Error(`in the child process: ${report.message}`));
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
