/** A pane's thread: its header, the messages, what others do, and the composer. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { CHANNEL, memberCount, nameOf, titleOf } from '../../shared/people.js';
import { h, setAttribute, setText, show } from '../dom.js';
import { icon, setIcon, type TickName } from '../icons.js';
import type { App } from '../model/app.js';
import type { Faults } from '../model/faults.js';
import type { Pane } from '../model/pane.js';
import type { Readers } from '../model/readers.js';
import { type MessageItem, type ThreadItem, threadItems } from '../model/thread-items.js';
import { count, listText } from '../words.js';
import { ActionBar } from './action-bar.js';
import { Composer } from './composer.js';
import { type EmptyThread, emptyThread } from './empty-thread.js';
import { MessageList } from './message-list.js';
import { createRow, type MessageFacts, reactionsOf, updateRow } from './message-row.js';
import { ThreadKeys } from './thread-keys.js';

/** Pixels from the top at which older messages are loaded. */
const LOADS_WITHIN = 600;
/** Above as many new messages in a second none is animated. */
const CALM = 5;

export interface ThreadOptions {
  readonly app: App;
  readonly pane: Pane;
  readonly faults: Faults;
  readonly readers: Readers;
}

export class Thread {
  readonly element: HTMLElement;
  readonly list: MessageList<ThreadItem>;
  readonly composer: Composer;
  readonly #options: ThreadOptions;
  readonly #title = h('h3', {});
  readonly #about = h('span', { class: 'about' });
  readonly #below = h('div', { class: 'below-thread' });
  readonly #belowText = h('span', {});
  readonly #belowIcon = h('span', {});
  readonly #dots = h('span', { class: 'typing-dots' }, h('i'), h('i'), h('i'));
  readonly #empty: EmptyThread;
  readonly #actions: ActionBar;
  #shown = '';
  #arrivals: number[] = [];
  readonly #known = new Set<string>();
  readonly #arriving = new Map<string, number>();
  #isLoading = false;

  constructor(options: ThreadOptions) {
    const { app, pane } = options;
    this.#options = options;
    this.list = new MessageList<ThreadItem>(
      {
        keyOf: ({ key }) => key,
        create: (item) => createRow(item, { react: (message, emoji) => this.react(message, emoji) }),
        update: (row, item) => updateRow(row, item, (message) => this.#facts(message)),
      },
      () => app.changed(),
    );
    this.composer = new Composer(app, pane, () => this.list.toEnd());
    this.#actions = new ActionBar(this.list.element, {
      react: (message, emoji) => this.react(message, emoji),
      edit: (message) => this.edit(message),
      recall: (message) => this.recall(message),
      link: (message) => this.#link(message),
    });
    this.#empty = emptyThread(app, pane, options.faults);
    new ThreadKeys(this.list, {
      edit: (message) => this.edit(message),
      recall: (message) => this.recall(message),
      react: (row) => this.#actions.focus(row),
      link: (message) => this.#link(message),
      loadOlder: () => this.#loadOlder(),
    });
    const back = h(
      'button',
      { class: 'icon-button back', type: 'button', 'aria-label': 'All conversations' },
      icon('back'),
    );
    back.addEventListener('click', () => {
      pane.showsList = true;
      app.changed();
    });
    setIcon(this.#belowIcon, 'clock');
    this.#below.append(this.#belowIcon, this.#dots, this.#belowText);
    const messages = h('div', { class: 'messages-holder' }, this.list.element, this.#empty.element);
    this.element = h(
      'div',
      { class: 'thread' },
      h('div', { class: 'thread-header' }, back, this.#title, this.#about),
      messages,
      this.#below,
      this.composer.element,
    );
  }

  update(): void {
    const { app, pane } = this.#options;
    const { conversation, device } = pane;
    pane.placeDivider();
    const place = `${device.id} ${conversation}`;
    if (place !== this.#shown) {
      this.#shown = place;
      this.#known.clear();
      this.list.toEnd();
    }
    const title = conversation === undefined ? 'Choose a conversation' : titleOf(conversation, pane.person);
    setText(this.#title, title);
    setText(this.#about, aboutText(conversation, this.#options.readers));
    setAttribute(this.list.element, 'aria-label', `Messages of ${title}, ${nameOf(pane.person)}`);
    setAttribute(this.list.element, 'aria-live', app.panes[app.activeSide] === pane ? 'polite' : 'off');
    const items = threadItems(pane, '7 days');
    this.#noteArrivals(items);
    this.list.render(items);
    const isLoaded = conversation === undefined || device.chat.conversation(conversation).isLoaded;
    if (show(this.#empty.element, items.length === 0 && isLoaded)) this.#empty.update();
    this.#updateBelow();
    this.composer.update();
    this.#actions.update();
    if (this.list.above < LOADS_WITHIN && !this.list.isAtEnd) this.#loadOlder();
    else if (items.length > 0 && items.length < 20) this.#loadOlder();
  }

  edit({ seqId, body, isOwn, recalled }: ShownMessage<Body>): void {
    const { app, pane } = this.#options;
    if (!isOwn || recalled || seqId === undefined || body === undefined) return;
    pane.editing = { seqId, text: body.text };
    app.changed();
    this.composer.edit(body.text);
  }

  recall({ seqId, isOwn, recalled }: ShownMessage<Body>): void {
    const { pane } = this.#options;
    if (!isOwn || recalled || seqId === undefined || pane.conversation === undefined) return;
    pane.device.chat.recall(pane.conversation, seqId);
  }

  react(message: ShownMessage<Body>, emoji: string): void {
    const { pane } = this.#options;
    if (message.seqId === undefined || pane.conversation === undefined || message.recalled) return;
    const mine = reactionsOf(message).find(({ senders }) => senders.includes(pane.person))?.emoji;
    const reaction = mine === emoji ? '' : emoji;
    pane.device.chat.react(pane.conversation, message.seqId, { text: '', reaction });
  }

  editLast(): void {
    const { pane } = this.#options;
    if (pane.conversation === undefined) return;
    const last = pane.device
      .messages(pane.conversation)
      .findLast(({ isOwn, recalled, seqId }) => isOwn && !recalled && seqId !== undefined);
    if (last !== undefined) this.edit(last);
  }

  #link(message: ShownMessage<Body> | undefined): void {
    const { app, pane } = this.#options;
    const { conversation } = pane;
    const seqId = message?.seqId;
    const linked = seqId === undefined || conversation === undefined ? undefined : { conversation, seqId };
    if (linked?.seqId === app.linked?.seqId && linked?.conversation === app.linked?.conversation) return;
    app.linked = linked;
    app.changed();
  }

  #loadOlder(): void {
    const { pane } = this.#options;
    if (this.#isLoading || pane.conversation === undefined) return;
    const list = pane.device.chat.conversation(pane.conversation);
    if (!list.isLoaded || !list.hasOlder || pane.device.state === 'offline') return;
    this.#isLoading = true;
    list.loadOlder().then(
      () => this.#endLoading(),
      () => setTimeout(() => this.#endLoading(), 1000),
    );
  }

  #endLoading(): void {
    this.#isLoading = false;
    this.#options.app.changed();
  }

  /** Rows that came one by one are animated, those of a burst or of the past are not. */
  #noteArrivals(items: readonly ThreadItem[]): void {
    const now = Date.now();
    const isFirstLook = this.#known.size === 0;
    for (let i = items.length - 1; i >= 0 && !this.#known.has(items[i]!.key); i--) {
      const { key } = items[i]!;
      this.#known.add(key);
      if (!isFirstLook) this.#arrivals.push(now);
      if (!isFirstLook && this.#arrivals.length <= CALM) this.#arriving.set(key, now);
    }
    this.#arrivals = this.#arrivals.filter((at) => at > now - 1000);
    for (const [key, at] of this.#arriving) if (at < now - 400) this.#arriving.delete(key);
  }

  #facts({ key, message }: MessageItem): MessageFacts {
    const { app, pane, readers } = this.#options;
    const { linked } = app;
    const isChannel = pane.conversation === CHANNEL;
    const { seqId, isOwn, recalled } = message;
    return {
      tick: !isOwn || recalled || (isChannel && seqId !== undefined) ? undefined : this.#tick(message),
      readers: isChannel && isOwn && !recalled && seqId !== undefined ? readers.readBy(seqId) : undefined,
      isLinked: linked !== undefined && linked.seqId === seqId && linked.conversation === pane.conversation,
      isArriving: this.#arriving.has(key),
      viewer: pane.person,
    };
  }

  #tick({ seqId, status, readBy }: ShownMessage<Body>): TickName {
    if (status === 'failed') return 'failed';
    if (seqId === undefined || status === 'pending') return 'waiting';
    const { app, pane } = this.#options;
    const conversation = pane.conversation!;
    const others = app.devices.filter((device) => device.user !== pane.person && device.isIn(conversation));
    if (others.length === 0) return readBy.length > 0 ? 'read' : 'delivered';
    if (others.every(({ user }) => readBy.includes(user))) return 'read';
    return others.every((device) => device.position(conversation) >= seqId) ? 'delivered' : 'stored';
  }

  #updateBelow(): void {
    const { app, pane } = this.#options;
    const { conversation, device } = pane;
    const isWaiting = device.toSend > 0 && (app.supervisor.isCut(device.id) || device.state !== 'live');
    const typing = conversation === undefined || isWaiting ? [] : app.typingUsers.in(conversation, pane.person);
    show(this.#belowIcon, isWaiting);
    show(this.#dots, typing.length > 0);
    const names = listText(typing.map(nameOf));
    const back = app.supervisor.isCut(device.id) ? `${nameOf(pane.person)} is` : 'the server is';
    const waitingText = `Sent when ${back} back, once, in this order`;
    setText(this.#belowText, isWaiting ? waitingText : names && `${names} ${typing.length > 1 ? 'are' : 'is'} typing`);
  }
}

function aboutText(conversation: string | undefined, readers: Readers): string {
  if (conversation === undefined) return '';
  if (conversation === CHANNEL) return `${count(readers.members)} members · read diffusion`;
  const members = memberCount(conversation);
  return members === undefined ? '' : `${count(members)} members`;
}
