/** Authenticates requests and signs responses: HMAC-SHA1 over the `x-ots-*` headers. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { authFailed, parameterInvalid } from './errors.js';

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly instanceName: string;
}

const REQUIRED = [
  'x-ots-apiversion',
  'x-ots-date',
  'x-ots-instancename',
  'x-ots-contentmd5',
  'x-ots-accesskeyid',
  'x-ots-signature',
];
const MAX_SKEW_MS = 15 * 60_000;

export const md5 = (body: Uint8Array) => createHash('md5').update(body).digest('base64');
const hmac = (secret: string, text: string) => createHmac('sha1', secret).update(text).digest('base64');

/** Returns the signed headers as lines `name:value`, sorted by name. */
function canonicalHeaders(headers: IncomingHttpHeaders): string {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith('x-ots-') && name !== 'x-ots-signature')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${String(value).trim()}`)
    .join('\n');
}

export function signRequest(secret: string, path: string, headers: IncomingHttpHeaders): string {
  return hmac(secret, `${path}\nPOST\n\n${canonicalHeaders(headers)}\n`);
}

export function signResponse(secret: string, path: string, headers: IncomingHttpHeaders): string {
  return hmac(secret, `${canonicalHeaders(headers)}\n${path}`);
}

/** @throws ServiceError for the first invalid part of the request's headers or body */
export function authenticate(
  credentials: Credentials,
  path: string,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): void {
  for (const name of REQUIRED) if (headers[name] === undefined) throw parameterInvalid(`Missing header: ${name}.`);
  const date = String(headers['x-ots-date']);
  const time = Date.parse(date);
  if (Number.isNaN(time)) throw parameterInvalid(`Invalid date format: ${date}.`);
  if (headers['x-ots-accesskeyid'] !== credentials.accessKeyId) throw authFailed('The AccessKeyID does not exist.');
  if (headers['x-ots-instancename'] !== credentials.instanceName) throw authFailed('The instance is not found.');
  if (Math.abs(Date.now() - time) > MAX_SKEW_MS)
    throw authFailed(`Mismatch between system time and x-ots-date: ${date}.`);
  const given = Buffer.from(String(headers['x-ots-signature']));
  const expected = Buffer.from(signRequest(credentials.accessKeySecret, path, headers));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw authFailed('Signature mismatch.');
  if (headers['x-ots-contentmd5'] !== md5(body)) {
    throw authFailed('Mismatch between MD5 value of request body and x-ots-contentmd5 in header.');
  }
}

/** Returns the headers of a response, with its signature: some clients refuse an unsigned response. */
export function responseHeaders(credentials: Credentials, path: string, requestId: string, body: Uint8Array) {
  const headers = {
    'x-ots-contentmd5': md5(body),
    'x-ots-contenttype': 'protocol buffer',
    'x-ots-date': new Date().toISOString().replace('Z', '000Z'),
    'x-ots-requestid': requestId,
  };
  const signature = signResponse(credentials.accessKeySecret, path, headers);
  return { ...headers, authorization: `OTS ${credentials.accessKeyId}:${signature}`, 'content-length': body.length };
}
