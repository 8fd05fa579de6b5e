/** One row of a thread: a message with its ticks, reactions and SeqId, or a divider. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { nameOf, personOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText, show } from '../dom.js';
import { setIcon, type TickName, tick } from '../icons.js';
import type { DividerItem, MessageItem, ThreadItem } from '../model/thread-items.js';
import { writtenAt } from '../model/thread-items.js';
import { count, seqIdText, timeText } from '../words.js';

/** Facts about a message that the row shows and the message does not hold. */
export interface MessageFacts {
  readonly tick: TickName | undefined;
  /** In a channel: the number of its readers who have read it, in place of ticks. */
  readonly readers: number | undefined;
  readonly isLinked: boolean;
  readonly isArriving: boolean;
  readonly viewer: string;
}

export interface RowActions {
  react(message: ShownMessage<Body>, emoji: string): void;
}

const DIVIDER_ICONS = { resumed: 'check', rebuilt: 'restart' } as const;
const TICK_WORDS: Record<TickName, string> = {
  waiting: 'waiting to be sent',
  stored: 'stored',
  delivered: 'delivered',
  read: 'read',
  failed: 'not sent',
};

interface Reaction {
  readonly emoji: string;
  readonly senders: readonly string[];
}

interface MessageParts {
  readonly sender: HTMLElement;
  readonly bubble: HTMLElement;
  readonly text: Text;
  readonly meta: HTMLElement;
  readonly metaText: HTMLElement;
  readonly tick: HTMLElement;
  readonly gutter: HTMLElement;
  readonly chips: HTMLElement;
  readonly reactions: Keyed<Reaction, HTMLButtonElement>;
  readonly refusal: HTMLElement;
  message: ShownMessage<Body>;
}

const parts = new WeakMap<HTMLElement, MessageParts>();

export const messageOf = (row: HTMLElement): ShownMessage<Body> | undefined => parts.get(row)?.message;

export function createRow(item: ThreadItem, actions: RowActions): HTMLElement {
  return item.type === 'message' ? createMessage(item, actions) : createDivider(item);
}

function createDivider({ type, text }: DividerItem): HTMLElement {
  const row = h('li', { class: 'divider-row', 'data-kind': type }, h('span', {}, text));
  if (type === 'resumed' || type === 'rebuilt') {
    const holder = h('span', {});
    setIcon(holder, DIVIDER_ICONS[type]);
    row.prepend(holder);
  }
  return row;
}

function createMessage({ message }: MessageItem, actions: RowActions): HTMLElement {
  const sender = h('p', { class: 'sender', hidden: true });
  const text = document.createTextNode('');
  const metaText = h('span', {});
  const tickHolder = h('span', {});
  const meta = h('span', { class: 'meta' }, metaText, tickHolder);
  const bubble = h('div', { class: 'bubble', dir: 'auto' }, text, meta);
  const gutter = h('span', {});
  const chips = h('div', { class: 'reactions', hidden: true });
  const refusal = h('div', { class: 'refusal', hidden: true });
  const line = h('div', { class: 'line' }, bubble, h('div', { class: 'gutter' }, gutter));
  const row = h('li', { class: 'row', tabindex: -1, 'data-key': message.key }, sender, line, chips, refusal);
  const reactions = new Keyed<Reaction, HTMLButtonElement>(chips, {
    keyOf: ({ emoji }) => emoji,
    create: ({ emoji }) =>
      h('button', { class: 'chip', type: 'button', tabindex: -1, onclick: () => actions.react(own.message, emoji) }),
    update: (chip, { emoji, senders }) => {
      setText(chip, `${emoji} ${count(senders.length)}`);
      setAttribute(chip, 'aria-label', `${emoji} ${count(senders.length)}, ${senders.map(nameOf).join(', ')}`);
    },
  });
  const own: MessageParts = {
    sender,
    bubble,
    text,
    meta,
    metaText,
    tick: tickHolder,
    gutter,
    chips,
    reactions,
    refusal,
    message,
  };
  parts.set(row, own);
  return row;
}

export function updateRow(row: HTMLElement, item: ThreadItem, factsOf: (item: MessageItem) => MessageFacts): void {
  if (item.type === 'message') updateMessage(row, item, factsOf(item));
  else setText(row.lastElementChild!, item.text);
}

function updateMessage(row: HTMLElement, { message, isFirst, isCaughtUp }: MessageItem, facts: MessageFacts): void {
  const own = parts.get(row)!;
  own.message = message;
  setAttribute(row, 'data-person', personOf(message.sender));
  setAttribute(row, 'data-own', message.isOwn);
  setAttribute(row, 'data-first', isFirst);
  setAttribute(row, 'data-status', message.status);
  setAttribute(row, 'data-recalled', message.recalled);
  setAttribute(row, 'data-caught-up', isCaughtUp);
  setAttribute(row, 'data-linked', facts.isLinked);
  setAttribute(row, 'data-new-row', facts.isArriving);
  setAttribute(row, 'data-seq-id', message.seqId === undefined ? undefined : String(message.seqId));
  if (show(own.sender, isFirst && !message.isOwn)) setText(own.sender, nameOf(message.sender));
  const text = textOf(message, facts.viewer);
  if (own.text.data !== text) own.text.data = text;
  setText(own.metaText, metaText(message, facts));
  updateTick(own.tick, facts.tick);
  setText(own.gutter, message.seqId === undefined ? '–' : seqIdText(message.seqId));
  const reactions = reactionsOf(message);
  if (show(own.chips, reactions.length > 0)) own.reactions.render(reactions);
  for (const { emoji, senders } of reactions)
    setAttribute(own.reactions.get(emoji)!, 'aria-pressed', String(senders.includes(facts.viewer)));
  updateRefusal(own);
  setAttribute(row, 'aria-label', labelOf(message, facts));
}

function updateTick(holder: HTMLElement, name: TickName | undefined): void {
  if (holder.dataset.tick === (name ?? '')) return;
  holder.dataset.tick = name ?? '';
  holder.replaceChildren(...(name === undefined || name === 'failed' ? [] : [tick(name)]));
}

function updateRefusal({ refusal, message }: MessageParts): void {
  const { outgoing } = message;
  if (!show(refusal, message.status === 'failed' && outgoing !== undefined) || refusal.childElementCount > 0) return;
  refusal.append(
    h('button', { type: 'button', onclick: () => outgoing!.retry() }, 'Try again'),
    h('button', { type: 'button', onclick: () => outgoing!.discard() }, 'Delete'),
  );
}

export function textOf({ recalled, isOwn, sender, body }: ShownMessage<Body>, viewer: string): string {
  if (recalled) return `${isOwn || sender === viewer ? 'You' : nameOf(sender)} recalled this message`;
  if (body === undefined) return 'This message cannot be read';
  return body.action ? `${sender} ${body.text}` : body.text;
}

function metaText(message: ShownMessage<Body>, { readers }: MessageFacts): string {
  const time = timeText(writtenAt(message));
  if (message.status === 'failed') return `${time} · not sent`;
  const read = readers === undefined ? '' : ` · ${count(readers)} read`;
  return `${message.edited && !message.recalled ? 'edited ' : ''}${time}${read}`;
}

export function reactionsOf({ related }: ShownMessage<Body>): Reaction[] {
  const senders = new Map<string, string[]>();
  for (const { sender, body } of related) {
    if (!body?.reaction) continue;
    senders.set(body.reaction, [...(senders.get(body.reaction) ?? []), sender]);
  }
  return [...senders].map(([emoji, users]) => ({ emoji, senders: users }));
}

/** "Ann, 9:09, edited, Booked for 12:30, by the window, read, entry 1198". */
function labelOf(message: ShownMessage<Body>, facts: MessageFacts): string {
  const { sender, seqId, edited, recalled } = message;
  return [
    nameOf(sender),
    timeText(writtenAt(message)),
    ...(edited && !recalled ? ['edited'] : []),
    textOf(message, facts.viewer),
    ...(facts.tick === undefined ? [] : [TICK_WORDS[facts.tick]]),
    ...(seqId === undefined ? [] : [`entry ${seqId}`]),
  ].join(', ');
}
