/** The field in which a person writes. */
import { ChatError } from '../../../client/index.js';
import { CHANNEL, CHANNEL_AUTHOR, nameOf, titleOf } from '../../shared/people.js';
import { h, setAttribute } from '../dom.js';
import { icon } from '../icons.js';
import type { App } from '../model/app.js';
import type { Pane } from '../model/pane.js';
import { count } from '../words.js';

/** Milliseconds between two signals of typing. */
const TYPING_EVERY_MS = 2000;
const MAX_TEXT = 4000;

export class Composer {
  readonly element: HTMLFormElement;
  readonly field: HTMLTextAreaElement;
  readonly #app: App;
  readonly #pane: Pane;
  readonly #sent: () => void;
  readonly #button: HTMLButtonElement;
  #typedAt = 0;
  /** Some stores have none. */
  #hasSignals = true;
  #place = '';
  onEditLast: () => void = () => {};

  constructor(app: App, pane: Pane, sent: () => void) {
    this.#app = app;
    this.#pane = pane;
    this.#sent = sent;
    this.field = h('textarea', { rows: 1, maxlength: MAX_TEXT, enterkeyhint: 'send' });
    this.#button = h('button', { type: 'submit', 'aria-label': 'Send' }, icon('send'));
    this.element = h('form', { class: 'composer' }, this.field, this.#button);
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.field.addEventListener('keydown', (event) => this.#press(event));
    this.field.addEventListener('input', () => this.#changed());
  }

  update(): void {
    const { conversation, person, editing, device } = this.#pane;
    const place = `${device.id} ${conversation}`;
    if (place !== this.#place) {
      this.#place = place;
      this.field.value = this.#pane.drafts.get(place) ?? '';
      this.#resize();
    }
    const isClosed = conversation === undefined || !mayWrite(conversation, person);
    if (this.field.disabled !== isClosed) this.field.disabled = isClosed;
    const placeholder = placeholderOf(this.#app, conversation, person);
    setAttribute(this.field, 'placeholder', placeholder);
    setAttribute(
      this.field,
      'aria-label',
      editing ? `Edit entry ${editing.seqId}` : `${placeholder}, as ${nameOf(person)}`,
    );
    setAttribute(this.element, 'data-ready', this.field.value.trim() !== '');
    setAttribute(this.element, 'data-closed', isClosed);
    setAttribute(this.#button, 'aria-label', editing ? 'Save the edit' : 'Send');
  }

  edit(text: string): void {
    this.field.value = text;
    this.#resize();
    this.field.focus();
    this.#app.changed();
  }

  #press(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'ArrowUp' && this.field.value === '') {
      event.preventDefault();
      this.onEditLast();
    } else if (event.key === 'Escape' && this.#pane.editing !== undefined) {
      event.stopPropagation();
      this.#clear();
    }
  }

  #submit(): void {
    const text = this.field.value.trim();
    const { conversation, device, editing } = this.#pane;
    if (text === '' || conversation === undefined) return;
    if (editing !== undefined) {
      if (text !== editing.text) {
        const message = device.messages(conversation).find(({ seqId }) => seqId === editing.seqId);
        device.chat.edit(conversation, editing.seqId, { ...message?.body, text });
      }
    } else {
      device.send(conversation, text);
      this.#app.onOwnMessage(conversation);
      this.#sent();
    }
    this.#clear();
  }

  #clear(): void {
    this.#pane.editing = undefined;
    this.field.value = '';
    this.#typedAt = 0;
    this.#changed();
  }

  #changed(): void {
    const { conversation, device, editing } = this.#pane;
    this.#resize();
    if (editing === undefined) this.#pane.drafts.set(this.#place, this.field.value);
    const now = Date.now();
    const isTyping = this.#hasSignals && this.field.value !== '' && now - this.#typedAt > TYPING_EVERY_MS;
    if (isTyping && conversation !== undefined && device.state === 'live') {
      this.#typedAt = now;
      // A signal that gets lost is worth nothing more.
      device.chat
        .conversation(conversation)
        .signal({ typing: true })
        .catch((error: unknown) => {
          this.#hasSignals = !(error instanceof ChatError && error.code === 'TIMELINE_UNSUPPORTED');
        });
    }
    this.#app.changed();
  }

  #resize(): void {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.max(40, this.field.scrollHeight + 2)}px`;
  }
}

/** Only its author writes to the channel. */
const mayWrite = (conversation: string, user: string): boolean => conversation !== CHANNEL || user === CHANNEL_AUTHOR;

function placeholderOf({ channelMembers }: App, conversation: string | undefined, person: string): string {
  if (conversation === undefined) return 'Choose a conversation';
  if (!mayWrite(conversation, person)) return `Only ${nameOf(CHANNEL_AUTHOR)} writes here`;
  return conversation === CHANNEL
    ? `Write to ${count(channelMembers)} members`
    : `Message ${titleOf(conversation, person)}`;
}
