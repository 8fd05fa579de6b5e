import {
  checkCount,
  checkFields,
  checkFunction,
  describeValue,
  invalidArgument,
  MAX_TIMER_MS,
  type OptionNames,
} from '../src/toolkit/index.js';
import type { Authorize, DeviceOptions } from '../sync/index.js';
import { DEFAULT_LIMITS, type GatewayLimits } from './protocol.js';

/** The user of a request. */
export interface GatewayUser {
  /** Name of the user, of at most 200 bytes. */
  readonly user: string;
  /** Name of the device, of at most 200 bytes. Goes before the one that the client names. */
  readonly device?: string | undefined;
}

/** Options of `createGateway`. */
export interface GatewayOptions {
  /**
   * Returns the user of a request, or `undefined` for none (401): from a token in `Authorization`, or from a cookie.
   * For a WebSocket, the request is that of the upgrade; a token in its first frame or subprotocol is in
   * `Authorization` as `Bearer <token>`. Has 30 seconds. If it throws, the answer is 500.
   *
   * @example
   * const authenticate = async (request: Request) => {
   *   const session = await sessions.find(request.headers.get('authorization')?.replace('Bearer ', ''));
   *   return session && { user: session.user };
   * };
   */
  authenticate(request: Request): GatewayUser | undefined | Promise<GatewayUser | undefined>;
  /**
   * Decides about each action of a user, before the one of the `MessageSync` does: both have to allow it. Default: the
   * one of the `MessageSync`; `membersOnly()` if it has none.
   */
  readonly authorize?: Authorize | undefined;
  /**
   * Decides whether a user may found a conversation: become a member, with others, of one that nobody has written to or
   * been a member of. The user is always among `users`. Default: everybody may.
   */
  readonly mayFound?: ((founding: Founding) => boolean | Promise<boolean>) | undefined;
  /** The position at which a new device starts. Default `oldest`: with everything that the inbox still holds. */
  readonly start?: DeviceOptions['start'];
  /** Limits that differ from {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<GatewayLimits> | undefined;
  /**
   * Origins of pages on other hosts that may use the gateway: `https://app.example.com`, or `*` for all, without
   * cookies. Default: only pages of the gateway's own host.
   */
  readonly origins?: readonly string[] | undefined;
  /** Path before all routes, such as `/chat`. Default: none. */
  readonly basePath?: string | undefined;
  /** Called with faults of the server: answers of 500 and 503, and streams that fail. Default: `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A conversation that a user wants to found. */
export interface Founding {
  /** Name of the user. */
  readonly user: string;
  /** Name of the conversation. */
  readonly conversation: string;
  /** Names of its first members; the user is one. */
  readonly users: readonly string[];
}

/** Options with defaults, checked. */
export interface CheckedOptions {
  readonly authenticate: GatewayOptions['authenticate'];
  readonly authorize: Authorize | undefined;
  readonly mayFound: NonNullable<GatewayOptions['mayFound']>;
  readonly start: DeviceOptions['start'];
  readonly limits: GatewayLimits;
  readonly origins: readonly string[];
  readonly basePath: string;
  readonly onError: (error: unknown) => void;
}

const NAMES: OptionNames<GatewayOptions> = {
  ...{ authenticate: true, authorize: true, mayFound: true, start: true },
  ...{ limits: true, origins: true, basePath: true, onError: true },
};
const LIMITS = Object.fromEntries(
  Object.keys(DEFAULT_LIMITS).map((name) => [name, true]),
) as OptionNames<GatewayLimits>;
const MAX_PAGE = 10_000;
const MAX_LAST_MESSAGES = 1000;

export function checkGatewayOptions(given: GatewayOptions): CheckedOptions {
  const options = checkFields<GatewayOptions>(given, NAMES);
  const { authenticate, authorize, mayFound = () => true, onError = console.error } = options;
  if (typeof authenticate !== 'function')
    throw invalidArgument('authenticate', `must be a function, not ${describeValue(authenticate)}`);
  for (const [name, value] of Object.entries({ authorize, mayFound, onError })) checkFunction(value, name);
  return {
    ...{ authorize, mayFound, start: checkStart(options.start) },
    authenticate: (request) => authenticate.call(options, request),
    limits: checkLimits(options.limits),
    origins: checkOrigins(options.origins ?? []),
    basePath: checkBasePath(options.basePath ?? ''),
    onError: (error) => onError(error),
  };
}

function checkStart(start: DeviceOptions['start']): DeviceOptions['start'] {
  if (start === undefined || start === 'oldest' || start === 'now') return start;
  if (typeof start !== 'object')
    throw invalidArgument('start', `must be 'oldest', 'now' or { last }, not ${describeValue(start)}`);
  checkCount(checkFields(start, { last: true }, 'start').last, 'start.last', { least: 0, most: MAX_LAST_MESSAGES });
  return start;
}

function checkLimits(given: Partial<GatewayLimits> | undefined): GatewayLimits {
  if (given === undefined) return DEFAULT_LIMITS;
  const limits = { ...DEFAULT_LIMITS };
  for (const [key, value] of Object.entries(checkFields<Partial<GatewayLimits>>(given, LIMITS, 'limits'))) {
    const name = key as keyof GatewayLimits;
    if (value !== undefined) limits[name] = checkLimit(name, value);
  }
  return limits;
}

function checkLimit(name: keyof GatewayLimits, value: number): number {
  const most = name === 'page' ? MAX_PAGE : name.endsWith('Ms') ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER;
  const isRate = name.endsWith('PerSecond');
  if (isRate ? Number.isFinite(value) && value > 0 : Number.isSafeInteger(value) && value >= 1 && value <= most)
    return value;
  const range = isRate ? 'a positive number' : `an integer from 1 to ${most}`;
  throw invalidArgument(`limits.${name}`, `must be ${range}, not ${describeValue(value)}`);
}

function checkOrigins(origins: readonly string[]): readonly string[] {
  if (!Array.isArray(origins)) throw invalidArgument('origins', `must be an array, not ${describeValue(origins)}`);
  for (const origin of origins) {
    const isOrigin = origin === '*' || origin === 'null' || (URL.canParse(origin) && new URL(origin).origin === origin);
    if (!isOrigin)
      throw invalidArgument('origins', `must hold origins such as 'https://example.com', not ${describeValue(origin)}`);
  }
  return [...origins];
}

function checkBasePath(path: string): string {
  if (typeof path !== 'string' || (path !== '' && !/^(?:\/[^/?#\s]+)+$/.test(path)))
    throw invalidArgument('basePath', `must be a path such as '/chat', not ${describeValue(path)}`);
  return path;
}
