import { TimelineError } from '../src/index.js';
import { checkFields, checkText, describeValue, invalidArgument, type OptionNames } from '../src/toolkit/index.js';
import { GatewayError } from './problems.js';
import { KEY_HEADER, MAX_KEY_BYTES } from './protocol.js';

const keyed = new WeakSet<Request>();
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i;

/** Reads a body of JSON: an object with these fields and no others. */
export async function readBody<T extends object>(
  request: Request,
  limit: number,
  names: OptionNames<NoInfer<T>>,
): Promise<T> {
  return checkFields((await readJson(request, limit)) as T, names, 'body');
}

/** The same with a field `body`, which has to be given. It may be `null`. */
export async function readMessageBody<T extends { readonly body: unknown }>(
  request: Request,
  limit: number,
  names: OptionNames<NoInfer<T>>,
): Promise<T> {
  return checkMessage((await readJson(request, limit)) as T, names);
}

/** Checks the fields of an object that has a `body`. */
export function checkMessage<T extends { readonly body: unknown }>(given: T, names: OptionNames<NoInfer<T>>): T {
  const fields = checkFields(given, names, 'body');
  if (given.body === undefined) throw invalidArgument('body.body', 'must be given');
  return { ...fields, body: given.body } as T;
}

async function readJson(request: Request, limit: number): Promise<unknown> {
  // A form of another site sends other types only, and without a preflight.
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? ''))
    throw new GatewayError('GATEWAY_UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json');
  const bytes = await readBytes(request, limit);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalidArgument('body', 'must be JSON in UTF-8');
  }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (request.body) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

export function tooLarge(limit: number): TimelineError {
  return new TimelineError('TIMELINE_TOO_LARGE', `body is longer than ${limit} bytes`, { argument: 'body', limit });
}

/** Returns a parameter as it is; `undefined` for none. */
export function textParameter({ searchParams }: URL, name: string): string | undefined {
  return searchParams.get(name) ?? undefined;
}

/** Returns a parameter that counts. */
export function countParameter({ searchParams }: URL, name: string, options: { usual: number; most: number }): number {
  const text = searchParams.get(name);
  if (text === null) return Math.min(options.usual, options.most);
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1 && count <= options.most) return count;
  throw invalidArgument(name, `must be an integer from 1 to ${options.most}, not ${describeValue(text)}`);
}

/** `true` if the request may be repeated: its key makes it harmless. */
export function hasKey(request: Request): boolean {
  return keyed.has(request);
}

/**
 * Returns the client's key in a form that no other user's key has. The header and the field of the body mean the same.
 */
export function scopedKey(request: Request, user: string, given: string | undefined): string | undefined {
  const header = request.headers.get(KEY_HEADER) ?? undefined;
  if (header !== undefined && given !== undefined && header !== given)
    throw invalidArgument('key', `differs from the header ${KEY_HEADER}`);
  const key = header ?? given;
  if (key === undefined) return undefined;
  keyed.add(request);
  return keyOfUser(user, key);
}

/** Returns a key in a form that no other user's key has. */
export function keyOfUser(user: string, key: string): string {
  return `${user.length}:${user}:${checkText(key, 'key', MAX_KEY_BYTES)}`;
}
