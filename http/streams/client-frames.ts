import { TimelineError } from '../../src/index.js';
import { checkFields, describeValue, invalidArgument, type OptionNames } from '../../src/toolkit/index.js';
import type { ClientFrame } from '../protocol.js';

const NAMES: { readonly [type in ClientFrame['type']]: OptionNames<Extract<ClientFrame, { readonly type: type }>> } = {
  auth: { type: true, token: true },
  ack: { type: true, cursor: true },
  signal: { type: true, conversation: true, body: true },
};
const TEXTS = ['token', 'cursor', 'conversation'] as const;

/** Reads a frame of a client. Throws `TIMELINE_INVALID_ARGUMENT`, or `TIMELINE_TOO_LARGE`. */
export function parseClientFrame(data: unknown, limit: number): ClientFrame {
  if (typeof data !== 'string') throw invalidArgument('frame', 'must be a text');
  // A character takes at least one byte.
  if (data.length > limit || new TextEncoder().encode(data).length > limit)
    throw new TimelineError('TIMELINE_TOO_LARGE', `frame is longer than ${limit} bytes`, { argument: 'frame', limit });
  const frame = parsed(data);
  const type = (frame as { readonly type?: unknown } | null)?.type;
  if (type !== 'auth' && type !== 'ack' && type !== 'signal')
    throw invalidArgument('frame', `must have a type of 'auth', 'ack' or 'signal', not ${describeValue(type)}`);
  const fields = checkFields<ClientFrame>(frame as ClientFrame, NAMES[type] as OptionNames<ClientFrame>, 'frame');
  for (const name of TEXTS) {
    const value = (fields as unknown as Record<string, unknown>)[name];
    if (name in NAMES[type] && typeof value !== 'string')
      throw invalidArgument(`frame.${name}`, `must be a string, not ${describeValue(value)}`);
  }
  if (fields.type !== 'signal') return fields;
  const { body } = frame as typeof fields;
  if (body === undefined) throw invalidArgument('frame.body', 'must be given');
  return { ...fields, body };
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw invalidArgument('frame', 'must be JSON');
  }
}
