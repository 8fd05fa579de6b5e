import { checkText, describeValue, invalidArgument } from '../src/toolkit/index.js';
import type { CheckedOptions, GatewayUser } from './options.js';
import { GatewayError } from './problems.js';
import { DEVICE_HEADER } from './protocol.js';
import { answerOf } from './user-code.js';

const MAX_NAME_BYTES = 200;

/** Asks `authenticate`. Resolves with `undefined` if the request has no user. */
export async function findUser(
  { authenticate }: Pick<CheckedOptions, 'authenticate'>,
  request: Request,
): Promise<GatewayUser | undefined> {
  const found = await answerOf('authenticate', authenticate(request));
  if (found === undefined || found === null) return undefined;
  if (typeof found !== 'object')
    throw invalidArgument('authenticate', `must answer { user, device? }, not ${describeValue(found)}`);
  const { user, device } = found as Partial<GatewayUser>;
  return {
    user: checkText(user, 'authenticate: user', MAX_NAME_BYTES),
    device: device ? checkText(device, 'authenticate: device', MAX_NAME_BYTES) : deviceOf(request),
  };
}

/** Asks `authenticate`. Refuses a request without a user. */
export async function requireUser(
  options: Pick<CheckedOptions, 'authenticate'>,
  request: Request,
): Promise<GatewayUser> {
  const found = await findUser(options, request);
  if (found) return found;
  throw new GatewayError('GATEWAY_UNAUTHENTICATED', 'the request has no user', { 'www-authenticate': 'Bearer' });
}

/** The device that the client names. A browser cannot set headers of a WebSocket. */
function deviceOf(request: Request): string | undefined {
  const header = request.headers.get(DEVICE_HEADER);
  const named = header === null ? new URL(request.url).searchParams.get('device') : decoded(header);
  return named === null ? undefined : checkText(named, 'device', MAX_NAME_BYTES);
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    throw invalidArgument('device', `must be encoded by encodeURIComponent, unlike ${describeValue(header)}`);
  }
}
