/** A list of rows of any height, of which only those in view are in the document. */
import { h, Keyed, setAttribute, setStyle } from '../dom.js';

export interface RowParts<T> {
  keyOf(item: T): string;
  create(item: T): HTMLElement;
  update(element: HTMLElement, item: T): void;
}

/** A row, and the distance of its top from the top of the view. */
interface Anchor {
  readonly key: string;
  readonly distance: number;
}

/** Height of a row before it is measured. */
const ESTIMATED = 46;
/** Pixels before and after the view whose rows are drawn too. */
const MARGIN = 240;
/** Pixels from the end within which the list follows it. */
const FOLLOWS_WITHIN = 48;
const MEASURING_PASSES = 4;
/** Pixels below the last row. */
const FOOT = 10;

export class MessageList<T> {
  readonly element: HTMLDivElement;
  readonly #rows: HTMLOListElement;
  readonly #keyed: Keyed<T, HTMLElement>;
  readonly #parts: RowParts<T>;
  readonly #heights = new Map<string, number>();
  #items: readonly T[] = [];
  #keys: readonly string[] = [];
  /** Where each row begins, and the end of the last one. */
  #offsets = new Float64Array(1);
  #follows = true;
  #width = 0;

  constructor(parts: RowParts<T>, changed: () => void) {
    this.#parts = parts;
    this.#rows = h('ol', { role: 'list' });
    this.element = h('div', { class: 'messages', role: 'log', tabindex: 0 }, this.#rows);
    this.#keyed = new Keyed(this.#rows, parts);
    this.element.addEventListener(
      'scroll',
      () => {
        this.#follows = this.#fromEnd() <= FOLLOWS_WITHIN;
        changed();
      },
      { passive: true },
    );
    new ResizeObserver(() => {
      if (this.element.clientWidth !== this.#width) this.#heights.clear();
      this.#width = this.element.clientWidth;
      changed();
    }).observe(this.element);
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** Pixels above the view. */
  get above(): number {
    return this.element.scrollTop;
  }

  get isAtEnd(): boolean {
    return this.#follows;
  }

  /** Shows the end, and follows it. */
  toEnd(): void {
    this.#follows = true;
  }

  rowOf(key: string): HTMLElement | undefined {
    return this.#keyed.get(key);
  }

  /** Brings a row into view, draws it and returns it. */
  reveal(key: string): HTMLElement | undefined {
    const index = this.#keys.indexOf(key);
    if (index < 0) return undefined;
    const { clientHeight, scrollTop } = this.element;
    const top = this.#offsets[index]!;
    const bottom = this.#offsets[index + 1]!;
    if (top < scrollTop || bottom > scrollTop + clientHeight) {
      this.#follows = index === this.#keys.length - 1;
      this.element.scrollTop = top < scrollTop ? top : bottom - clientHeight;
      this.render(this.#items);
    }
    return this.#keyed.get(key);
  }

  render(items: readonly T[]): void {
    const anchors = this.#follows ? [] : this.#anchors();
    this.#items = items;
    this.#keys = items.map((item) => this.#parts.keyOf(item));
    const height = this.element.clientHeight;
    for (let pass = 0; pass < MEASURING_PASSES; pass++) {
      this.#layOut();
      const total = this.#offsets[items.length]! + (items.length > 0 ? FOOT : 0);
      const top = Math.max(0, Math.min(total - height, this.#wantedTop(anchors, total - height)));
      const start = Math.max(0, this.#indexAt(top - MARGIN));
      const end = Math.min(items.length, this.#indexAt(top + height + MARGIN) + 1);
      setStyle(this.#rows, 'padding-top', `${this.#offsets[start]!}px`);
      setStyle(this.#rows, 'padding-bottom', `${total - this.#offsets[end]!}px`);
      this.#keyed.render(items.slice(start, end));
      const isSettled = this.#measure(start, end);
      if (Math.abs(this.element.scrollTop - top) > 0.5) this.element.scrollTop = top;
      if (isSettled) break;
    }
  }

  /** The rows in view. Any of them may be gone next: a divider moves when older messages come before it. */
  #anchors(): Anchor[] {
    const { scrollTop, clientHeight } = this.element;
    const first = this.#indexAt(scrollTop);
    const last = this.#indexAt(scrollTop + clientHeight);
    const keys = this.#keys.slice(first, last + 1);
    return keys.map((key, i) => ({ key, distance: this.#offsets[first + i]! - scrollTop }));
  }

  /** Keeps the first row that is still there where it is. */
  #wantedTop(anchors: readonly Anchor[], end: number): number {
    if (this.#follows) return end;
    for (const { key, distance } of anchors) {
      const index = this.#keys.indexOf(key);
      if (index >= 0) return this.#offsets[index]! - distance;
    }
    return anchors.length === 0 ? this.element.scrollTop : end;
  }

  #fromEnd(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }

  #layOut(): void {
    const { length } = this.#keys;
    if (this.#offsets.length < length + 1)
      this.#offsets = new Float64Array(Math.max(length + 1, 2 * this.#offsets.length));
    let offset = 0;
    for (let i = 0; i < length; i++) {
      this.#offsets[i] = offset;
      offset += this.#heights.get(this.#keys[i]!) ?? ESTIMATED;
    }
    this.#offsets[length] = offset;
  }

  /** Index of the row at this distance from the top. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = Math.max(0, this.#keys.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#offsets[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Returns true if all rows were as high as expected. */
  #measure(start: number, end: number): boolean {
    let isSettled = true;
    for (let i = start; i < end; i++) {
      const key = this.#keys[i]!;
      const row = this.#keyed.get(key)!;
      setAttribute(row, 'aria-posinset', i + 1);
      setAttribute(row, 'aria-setsize', this.#keys.length);
      const measured = row.getBoundingClientRect().height;
      if (Math.abs((this.#heights.get(key) ?? ESTIMATED) - measured) > 0.4) isSettled = false;
      this.#heights.set(key, measured);
    }
    return isSettled;
  }
}
