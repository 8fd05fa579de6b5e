/** Cem, who has no client here: he answers now and then by requests alone. */
import { LUNCH } from '../../shared/people.js';
import type { App } from './app.js';

const USER = 'cem';
const ANSWERS = [
  'Sounds good.',
  'I will be there at half past.',
  'Can somebody save me a seat by the window?',
  'Yes, with lemon please.',
  'Agreed. I will tell the others.',
  'Let me look at the calendar first.',
  'The number 6 bus is late again, start without me.',
] as const;
const WHILE_ASLEEP = ['Is anybody still up?', 'The table is booked for the whole week.', 'Good night, then.'] as const;
/** Own messages of Ann and Bob for one answer. */
const ANSWERS_EVERY = 3;
const TYPES_FOR_MS = 2200;

export class Companion {
  readonly #app: App;
  readonly #isQuiet: boolean;
  #heard = 0;
  #answered = 0;

  /** `isQuiet`: he answers nobody. */
  constructor(app: App, isQuiet: boolean) {
    this.#app = app;
    this.#isQuiet = isQuiet;
    app.onOwnMessage = (conversation) => this.#hear(conversation);
  }

  async sayWhileAsleep(): Promise<void> {
    for (const text of WHILE_ASLEEP) await this.#send(text);
  }

  #hear(conversation: string): void {
    if (this.#isQuiet || conversation !== LUNCH) return;
    this.#heard += 1;
    if (this.#heard % ANSWERS_EVERY !== 0) return;
    void this.#answer().catch(() => {});
  }

  async #answer(): Promise<void> {
    const text = ANSWERS[this.#answered % ANSWERS.length]!;
    this.#answered += 1;
    await pause(800);
    await this.#request(`/conversations/${encodeURIComponent(LUNCH)}/signals`, { body: { typing: true } }).catch(
      () => {},
    );
    await pause(TYPES_FOR_MS);
    await this.#send(text);
    this.#app.typingUsers.stop(LUNCH, USER);
  }

  async #send(text: string): Promise<void> {
    const path = `/conversations/${encodeURIComponent(LUNCH)}/messages`;
    const answer = await this.#request(path, { body: { text }, key: crypto.randomUUID() });
    const { seqId } = (await answer.json()) as { readonly seqId: string };
    this.#app.counter.stored(LUNCH, BigInt(seqId));
    this.#app.changed();
  }

  async #request(path: string, body: object): Promise<Response> {
    const headers = { authorization: `Bearer ${USER}`, 'content-type': 'application/json' };
    const answer = await fetch(`/device/${USER}/web${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`Cem cannot write: ${answer.status}`);
    return answer;
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
