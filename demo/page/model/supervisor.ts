/** The page's link to the demo's own server: its state, and what the toolbar asks of it. */
import type { DemoStatus } from '../../shared/status.js';

export class SupervisorLink {
  /** Absent until the first answer. */
  status: DemoStatus | undefined;
  /** The demo's own server does not answer any more. */
  isGone = false;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
    const stream = new EventSource('/demo/status');
    stream.onmessage = ({ data }: MessageEvent<string>) => {
      this.status = JSON.parse(data) as DemoStatus;
      this.isGone = false;
      changed();
    };
    stream.onerror = () => {
      this.isGone = true;
      this.#changed();
    };
  }

  isCut(device: string): boolean {
    return this.status?.cut.includes(device) ?? false;
  }

  async post(path: string, parameters: Readonly<Record<string, string>> = {}, body?: BodyInit): Promise<unknown> {
    const query = new URLSearchParams(parameters);
    const options = { method: 'POST', headers: { 'x-demo': '1' }, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(`/demo/${path}?${query}`, options);
    if (answer.status === 204) return undefined;
    const text = await answer.text();
    // The demo's own server answers in words, the chat server in JSON.
    const isJson = answer.headers.get('content-type') === 'application/json';
    const result = (isJson ? JSON.parse(text) : { message: text }) as { readonly message?: string };
    if (!answer.ok) throw new Error(result.message || `The demo's server answered ${answer.status}.`);
    return result;
  }

  /** Resolves with `undefined` while the chat server is down. */
  async get<T>(path: string, parameters: readonly (readonly [string, string])[] = []): Promise<T | undefined> {
    if (this.status?.server !== 'up') return undefined;
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
    try {
      const answer = await fetch(`/demo/${path}?${query}`);
      return answer.ok ? ((await answer.json()) as T) : undefined;
    } catch {
      return undefined;
    }
  }
}
