/** Small helpers around the DOM: each write happens only where something changes. */

type Child = Node | string | undefined;
type Props = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

/** Creates an element. `on…` are listeners, others attributes: `true` is an empty one, `false` and absent none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setStyle(element: HTMLElement, name: string, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** Shows or hides, and says whether the element is shown. */
export function show(element: HTMLElement, isShown: boolean): boolean {
  if (element.hidden === isShown) element.hidden = !isShown;
  return isShown;
}

/** Keeps an element for each key, in the order of the items. */
export class Keyed<T, E extends HTMLElement> {
  readonly #parent: Element;
  readonly #keyOf: (item: T) => string;
  readonly #create: (item: T) => E;
  readonly #update: (element: E, item: T) => void;
  #elements = new Map<string, E>();

  constructor(
    parent: Element,
    parts: {
      readonly keyOf: (item: T) => string;
      readonly create: (item: T) => E;
      readonly update: (element: E, item: T) => void;
    },
  ) {
    this.#parent = parent;
    this.#keyOf = parts.keyOf;
    this.#create = parts.create;
    this.#update = parts.update;
  }

  get(key: string): E | undefined {
    return this.#elements.get(key);
  }

  render(items: readonly T[]): void {
    const elements = new Map<string, E>();
    for (const item of items) {
      const key = this.#keyOf(item);
      elements.set(key, this.#elements.get(key) ?? this.#create(item));
    }
    for (const [key, element] of this.#elements) if (elements.get(key) !== element) element.remove();
    this.#elements = elements;
    let before = this.#parent.firstChild;
    for (const item of items) {
      const element = elements.get(this.#keyOf(item))!;
      this.#update(element, item);
      if (element === before) before = element.nextSibling;
      else this.#parent.insertBefore(element, before);
    }
  }
}
