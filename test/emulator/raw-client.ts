/** Requests that the SDK cannot make: fields it lacks, and headers and bodies that are wrong on purpose. */
import { expect } from 'vitest';
import type { TablestoreEmulator } from '../../emulator/index.js';
import { md5, signRequest, signResponse } from '../../emulator/signature.js';
import { ErrorMessage } from '../../emulator/wire/messages-table.js';
import { decode, encode, type Message, type Outgoing, type Schema } from '../../emulator/wire/protobuf.js';

type Headers = Record<string, string>;

export function signedHeaders(
  emulator: TablestoreEmulator,
  path: string,
  body: Uint8Array,
  changed: Headers = {},
): Headers {
  const headers: Headers = {
    'x-ots-apiversion': '2015-12-31',
    'x-ots-accesskeyid': emulator.accessKeyId,
    'x-ots-contentmd5': md5(body),
    'x-ots-date': new Date().toISOString(),
    'x-ots-instancename': emulator.instanceName,
    ...changed,
  };
  return { ...headers, 'x-ots-signature': signRequest(emulator.accessKeySecret, path, headers) };
}

/** Sends bytes; the response's signature and digest are checked, whatever its status. */
export async function post(emulator: TablestoreEmulator, operation: string, body: Uint8Array, headers?: Headers) {
  const path = `/${operation}`;
  const response = await fetch(emulator.endpoint + path, {
    method: 'POST',
    headers: headers ?? signedHeaders(emulator, path, body),
    body: new Uint8Array(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const answered = Object.fromEntries(response.headers);
  expect(answered['x-ots-contentmd5']).toBe(md5(bytes));
  expect(answered.authorization).toBe(
    `OTS ${emulator.accessKeyId}:${signResponse(emulator.accessKeySecret, path, answered)}`,
  );
  return { status: response.status, bytes, headers: answered };
}

export async function postError(emulator: TablestoreEmulator, operation: string, body: Uint8Array, headers?: Headers) {
  const { status, bytes } = await post(emulator, operation, body, headers);
  return { status, ...decode(ErrorMessage, bytes) };
}

export async function call<Q extends Schema, A extends Schema>(
  emulator: TablestoreEmulator,
  operation: string,
  [request, response]: readonly [Q, A],
  message: Outgoing<Q>,
): Promise<Message<A>> {
  const { status, bytes } = await post(emulator, operation, encode(request, message));
  if (status !== 200) throw new Error(JSON.stringify(decode(ErrorMessage, bytes)));
  return decode(response, bytes);
}
