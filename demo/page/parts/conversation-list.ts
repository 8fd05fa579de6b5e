/** A person's conversations, with badges. */
import type { ListedConversation } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { nameOf, otherIn, personOf, titleOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import type { App } from '../model/app.js';
import type { Pane } from '../model/pane.js';
import { count, plural, shortTimeText } from '../words.js';
import { roving } from './roving.js';

const MOST_IN_BADGE = 999;

type Item = ListedConversation<Body>;

export class ConversationList {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #pane: Pane;
  readonly #items: Keyed<Item, HTMLLIElement>;

  constructor(app: App, pane: Pane) {
    this.#app = app;
    this.#pane = pane;
    const list = h('ul', {});
    this.#items = new Keyed<Item, HTMLLIElement>(list, {
      // The same conversation has another title for another person.
      keyOf: ({ conversation }) => `${conversation} ${pane.person}`,
      create: (item) => this.#create(item),
      update: (element, item) => this.#update(element, item),
    });
    roving(list, 'button', 'vertical');
    this.element = h('nav', { class: 'conversations' }, h('h3', {}, 'Conversations'), list);
  }

  update(): void {
    setAttribute(this.element, 'aria-label', `${nameOf(this.#pane.person)}'s conversations`);
    this.#items.render(this.#pane.device.chat.conversations.getSnapshot());
  }

  #create({ conversation }: Item): HTMLLIElement {
    const { person, side } = this.#pane;
    const other = otherIn(conversation, person);
    const title = titleOf(conversation, person);
    const avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' }, title.charAt(0));
    setAttribute(avatar, 'data-round', other !== undefined);
    setAttribute(avatar, 'data-person', other === undefined ? undefined : personOf(other));
    const button = h(
      'button',
      { class: 'conversation', type: 'button', 'data-conversation': conversation, title },
      avatar,
      h('span', { class: 'title' }, title),
      h('span', { class: 'time' }),
      h('span', { class: 'preview' }),
      h('span', { class: 'aside' }),
    );
    button.addEventListener('click', () => this.#app.choose(side, conversation));
    return h('li', {}, button);
  }

  #update(item: HTMLLIElement, { conversation, last, unread, capped, settings }: Item): void {
    const button = item.firstElementChild as HTMLButtonElement;
    const [, , time, preview, aside] = button.children as unknown as HTMLElement[];
    setAttribute(button, 'aria-current', conversation === this.#pane.conversation ? 'true' : undefined);
    setAttribute(button, 'data-unread', unread > 0 && !settings.muted);
    setText(time!, last === undefined ? '' : shortTimeText(last.body?.at ?? last.sentAt));
    setText(preview!, previewOf(conversation, last, this.#pane.person));
    const isMuted = settings.muted;
    const badge = unread === 0 ? '' : capped || unread > MOST_IN_BADGE ? `${count(MOST_IN_BADGE)}+` : count(unread);
    const wanted = `${badge} ${isMuted}`;
    if (aside!.dataset.shown === wanted) return;
    aside!.dataset.shown = wanted;
    aside!.replaceChildren();
    if (badge !== '') {
      const spoken = h('span', { class: 'visually-hidden' }, `${plural(unread, 'unread', 'unread')}`);
      const shown = h('span', { class: 'badge-count', 'aria-hidden': 'true', 'data-muted': isMuted }, badge);
      aside!.append(shown, spoken);
    } else if (isMuted) aside!.append(icon('muted'), h('span', { class: 'visually-hidden' }, 'muted'));
  }
}

function previewOf(conversation: string, last: Item['last'], viewer: string): string {
  if (last === undefined) return 'No messages yet';
  const isDirect = otherIn(conversation, viewer) !== undefined;
  const who = last.sender === viewer ? 'You: ' : isDirect ? '' : `${nameOf(last.sender)}: `;
  if (last.recalled) return `${who}recalled a message`;
  return `${who}${last.body?.text ?? ''}`;
}
