/** One line that says what just happened, or what to try. */

export interface Line {
  readonly strong: string;
  readonly rest?: string;
  /** A second thing that happened. */
  readonly also?: string;
}

/** Milliseconds that an event stays before the line of the present state comes back. */
const STAYS_MS = 12_000;

export class Narrator {
  readonly #changed: () => void;
  #event: { readonly line: Line; readonly until: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  tell(line: Line): void {
    this.#event = { line, until: Date.now() + STAYS_MS };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#changed, STAYS_MS + 50);
    this.#changed();
  }

  /** The last event, while it is new. */
  get event(): Line | undefined {
    return this.#event !== undefined && Date.now() < this.#event.until ? this.#event.line : undefined;
  }
}
