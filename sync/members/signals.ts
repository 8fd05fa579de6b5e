import { isTimelineError, TimelineError } from '../../src/index.js';
import { describeValue, invalidArgument } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { chunks, each } from '../shared/listing.js';
import { topicOf } from '../shared/names.js';

const MAX_BODY_BYTES = 16 * 1024;
/** Publications under way at once. */
const AT_ONCE = 100;

/** A signal as it is published. */
export interface PublishedSignal {
  readonly conversation: string;
  readonly from: string;
  readonly body: unknown;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** Returns the JSON of a signal's body. Throws if it is none, or too long. */
export function checkSignalBody(body: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch {
    // Reported below.
  }
  if (text === undefined) throw invalidArgument('body', `must be a JSON value, not ${describeValue(body)}`);
  if (Buffer.byteLength(text) <= MAX_BODY_BYTES) return text;
  const details = { argument: 'body', limit: MAX_BODY_BYTES };
  throw new TimelineError('TIMELINE_TOO_LARGE', `body is longer than ${MAX_BODY_BYTES} bytes of JSON`, details);
}

/**
 * Publishes a signal to the topic of each member: a subscription listens to one topic, whatever the number of its
 * user's conversations, and membership is decided here.
 */
export async function publishSignal<M>(context: Context<M>, signal: PublishedSignal): Promise<void> {
  const { sync, directory } = context;
  const payload = JSON.stringify(signal);
  for await (const users of chunks(each(directory.members(signal.conversation)), AT_ONCE))
    await Promise.all(users.map((user) => sync.publish(topicOf.user(user), payload).catch(ignoreUnknown)));
}

/** A signal may be lost. */
function ignoreUnknown(error: unknown): void {
  if (!isTimelineError(error) || error.outcome !== 'unknown') throw error;
}
