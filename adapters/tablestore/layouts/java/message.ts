import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import { describe } from '../../../../src/text.js';
import type { Cell, Column } from '../layout.js';
import { textOf } from './content.js';
import { parseBase64, parseObject } from './fields.js';
import { type JavaTable, MAX_COLUMNS } from './table.js';

/** A message of version 1 with its attributes, as `attributes: true` gives it. */
export interface JavaV1Message {
  /** Text, or base64 under `content: 'bytes'`. */
  readonly content: string;
  /** Names do not begin with `__`; values are not empty. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export function encodeMessage(
  body: Body,
  kind: 'text' | 'bytes',
  table: JavaTable,
): { content: Uint8Array; attributes: Column[] } {
  const { content, attributes = {}, ...others } = parseObject(body) as Partial<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw invalidArgument('message', `has a field ${describe(other)} beside content and attributes`);
  const bytes = typeof content !== 'string' ? undefined : kind === 'text' ? Buffer.from(content) : parseBase64(content);
  if (bytes === undefined)
    throw invalidArgument('message.content', `must be ${kind === 'text' ? 'a string' : 'base64'}`);
  if (typeof attributes !== 'object' || attributes === null)
    throw invalidArgument('message.attributes', 'must be an object');
  const columns = Object.entries(attributes).map(([name, value]: [string, unknown]) => {
    table.checkName(name, `the attribute ${describe(name)}`);
    if (name.startsWith('__'))
      throw invalidArgument('message.attributes', `must not begin with __, as ${describe(name)} does`);
    if (typeof value !== 'string' || value === '') {
      throw invalidArgument(
        'message.attributes',
        `must be strings and not empty; ${describe(name)} is ${describe(value)}`,
      );
    }
    return { name, value };
  });
  if (columns.length > MAX_COLUMNS) throw invalidArgument('message.attributes', `must be at most ${MAX_COLUMNS}`);
  return { content: bytes, attributes: columns };
}

export function decodeMessage(content: Uint8Array, kind: 'text' | 'bytes', columns: ReadonlyMap<string, Cell>): string {
  const attributes = [...columns].filter(([name]) => !name.startsWith('__'));
  for (const [name, value] of attributes) {
    if (typeof value !== 'string')
      throw new TimelineError('TIMELINE_DECODE', `the attribute ${describe(name)} is no string`);
  }
  const message = { content: kind === 'text' ? textOf(content) : Buffer.from(content).toString('base64') };
  return JSON.stringify(attributes.length === 0 ? message : { ...message, attributes: Object.fromEntries(attributes) });
}
