/** Light or dark: follows the system until the user chooses. */
const KEY = 'timeline-demo-theme';

export class Theme {
  readonly #changed: () => void;
  readonly #system = matchMedia('(prefers-color-scheme: dark)');
  #chosen = localStorage.getItem(KEY);

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#system.addEventListener('change', () => this.#apply());
    this.#apply();
  }

  get isDark(): boolean {
    return this.#chosen === null ? this.#system.matches : this.#chosen === 'dark';
  }

  toggle(): void {
    this.#chosen = this.isDark ? 'light' : 'dark';
    localStorage.setItem(KEY, this.#chosen);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.isDark ? 'dark' : 'light';
    this.#changed();
  }
}
