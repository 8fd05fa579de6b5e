/** The people who type now, by conversation. */
const STAYS_MS = 4000;
const LATE_MS = 800;

export class Typing {
  readonly #changed: () => void;
  /** When a user has sent a message: signals of its typing may come after it. */
  readonly #stoppedAt = new Map<string, number>();
  readonly #until = new Map<string, Map<string, number>>();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  note(conversation: string, user: string): void {
    if (Date.now() - (this.#stoppedAt.get(`${conversation} ${user}`) ?? 0) < LATE_MS) return;
    const users = this.#until.get(conversation) ?? new Map<string, number>();
    this.#until.set(conversation, users);
    users.set(user, Date.now() + STAYS_MS);
    setTimeout(this.#changed, STAYS_MS + 20);
    this.#changed();
  }

  /** The user has sent what was typed. */
  stop(conversation: string, user: string): void {
    this.#stoppedAt.set(`${conversation} ${user}`, Date.now());
    this.#until.get(conversation)?.delete(user);
  }

  in(conversation: string, viewer: string): string[] {
    const now = Date.now();
    const users = [...(this.#until.get(conversation) ?? [])];
    return users.filter(([user, until]) => user !== viewer && until > now).map(([user]) => user);
  }
}
