import type { ChatMessage, MessageSync } from '../../../sync/types.js';
import type { Attempts } from './attempts.js';
import type { Host } from './world.js';

export interface PageRequest {
  readonly conversation: string;
  readonly user: string | undefined;
  readonly isForward: boolean;
  readonly limit: number;
}

/** An edit or recall that was acknowledged. */
export interface AcknowledgedChange {
  readonly kind: 'edit' | 'recall';
  readonly target: bigint;
  readonly seqId: bigint;
}

/** All pages from one end of a conversation to the other. */
export interface PageWalk {
  readonly conversation: string;
  readonly user: string | undefined;
  /** Oldest first. */
  readonly messages: readonly ChatMessage<string>[];
  /** Acknowledged before the first page was read. */
  readonly changes: readonly AcknowledgedChange[];
}

const MOST_PAGES = 200;

/** Reads pages during a run, and keeps them for the verdict. */
export class PageReader {
  readonly walks: PageWalk[] = [];
  readonly #attempts: Attempts;

  constructor(attempts: Attempts) {
    this.#attempts = attempts;
  }

  async read(host: Host, request: PageRequest, changes: readonly AcknowledgedChange[]): Promise<void> {
    const { conversation, user, isForward, limit } = request;
    const name = `pages of ${conversation} for ${user}, ${isForward ? 'forward' : 'backward'} by ${limit}`;
    const outcome = await this.#attempts.run(host, name, () => walkPages(host.sync, request));
    if (!outcome) return;
    const { messages, problems } = outcome.value;
    this.#attempts.violations.push(...problems);
    this.walks.push({ conversation, user, messages, changes });
  }
}

/** Reads all pages. `problems`: pages that are too long or out of order. */
export async function walkPages(
  sync: MessageSync<string>,
  { conversation, user, isForward, limit }: PageRequest,
): Promise<{ readonly messages: readonly ChatMessage<string>[]; readonly problems: readonly string[] }> {
  const pages: (readonly ChatMessage<string>[])[] = [];
  const problems: string[] = [];
  let position: { readonly after?: string | bigint; readonly before?: string } | undefined = isForward
    ? { after: 0n }
    : {};
  while (position && pages.length < MOST_PAGES) {
    const page = await sync.messages(conversation, { user, limit, ...position });
    if (page.messages.length > limit) problems.push(`a page of ${conversation} has ${page.messages.length} messages`);
    if (isForward) {
      pages.push(page.messages);
      position = page.upToDate ? undefined : { after: page.after };
    } else {
      pages.unshift(page.messages);
      position = page.before === undefined ? undefined : { before: page.before };
    }
  }
  const messages = pages.flat();
  const at = messages.findIndex(({ seqId }, i) => i > 0 && seqId <= messages[i - 1]!.seqId);
  if (at >= 0) problems.push(`pages of ${conversation} have ${messages[at]!.seqId} after ${messages[at - 1]!.seqId}`);
  if (pages.length === MOST_PAGES) problems.push(`the pages of ${conversation} never came to an end`);
  return { messages, problems };
}
