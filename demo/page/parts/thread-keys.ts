/** The keyboard within a thread: one tab stop, message by message with the arrows. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import type { ThreadItem } from '../model/thread-items.js';
import type { MessageList } from './message-list.js';
import { messageOf } from './message-row.js';

export interface ThreadKeyActions {
  edit(message: ShownMessage<Body>): void;
  recall(message: ShownMessage<Body>): void;
  react(row: HTMLElement): void;
  link(message: ShownMessage<Body> | undefined): void;
  loadOlder(): void;
}

export class ThreadKeys {
  readonly #list: MessageList<ThreadItem>;
  readonly #actions: ThreadKeyActions;

  constructor(list: MessageList<ThreadItem>, actions: ThreadKeyActions) {
    this.#list = list;
    this.#actions = actions;
    list.element.addEventListener('keydown', (event) => this.#press(event));
  }

  #press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = (event.target as Element).closest<HTMLElement>('.row');
    const keys = this.#list.items.flatMap(({ type, key }) => (type === 'message' ? [key] : []));
    const at = row === null ? keys.length : keys.indexOf(row.dataset.key ?? '');
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: keys.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (to < 0) this.#actions.loadOlder();
      this.#focus(keys[Math.max(0, Math.min(keys.length - 1, to))]);
      return;
    }
    if (row === null || row !== event.target) return;
    const message = messageOf(row);
    if (event.key === 'Escape') {
      this.#list.element.focus();
      this.#actions.link(undefined);
    } else if (message === undefined) return;
    else if (event.key === 'e' || event.key === 'E') this.#actions.edit(message);
    else if (event.key === 'r' || event.key === 'R') this.#actions.react(row);
    else if (event.key === 'Delete') this.#actions.recall(message);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(key: string | undefined): void {
    if (key !== undefined) this.#list.reveal(key)?.focus({ preventScroll: true });
  }
}
