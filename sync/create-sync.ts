import { type Nullable, type StandardSchemaV1, TimelineError, type TimelineStore } from '../src/index.js';
import {
  checkCount,
  checkFields,
  checkFunction,
  describeValue,
  invalidArgument,
  MAX_TIMER_MS,
  type OptionNames,
  reasonOf,
} from '../src/toolkit/index.js';
import { guardAuthorize, guardDiffusion, guardDirectory } from './callbacks.js';
import { forgetIdleDevices } from './device/idle-devices.js';
import { LibraryMessageSync } from './message-sync.js';
import { checkMode } from './modes/diffusion.js';
import { FanOut } from './outbox/fan-out.js';
import { type Clock, SYSTEM_CLOCK } from './shared/clock.js';
import type { Context, Patience } from './shared/context.js';
import { FanOutPositions } from './shared/fan-out-positions.js';
import { LibraryLife } from './shared/library-life.js';
import { initializeSettings, isCurrentLife, type LibrarySettings } from './shared/library-settings.js';
import type { MessageSync, Stored, SyncOptions } from './types.js';

const MAX_LAST_MESSAGES = 1000;

/**
 * Opens message synchronisation on two libraries: a message is stored, then copied to inboxes, then read by devices.
 * Any number of processes may use the same libraries. Close the returned object first, then the libraries: it leaves
 * them open.
 *
 * @example
 * const store = await openTimelineStore<Stored<Text>>({ adapter, name: 'store' });
 * const inboxes = await openTimelineStore<Synced<Text>>({ adapter, name: 'sync', ttlMs: 30 * 24 * 3_600_000 });
 * const directory = timelineDirectory({ store });
 * await using sync = createSync<Text>({ store, sync: inboxes, directory, diffusion: hybridDiffusion() });
 */
export function createSync<M>(options: Nullable<SyncOptions<M>>): MessageSync<M> {
  return assemble(options, {});
}

/** Options that are not those of {@link createSync}: of `openMessageSync`, and times that tests shorten. */
export interface Tuning<M> {
  readonly bodySchema?: StandardSchemaV1<unknown, M> | undefined;
  /** Called last when the sync is closed. */
  readonly closeLibraries?: () => Promise<void>;
  /** Milliseconds that a callback may take. Default 30,000. */
  readonly userCodeMs?: number;
  readonly patience?: Patience;
  readonly memberChangesPerLook?: number;
  readonly clock?: Clock;
}

const PATIENCE: Patience = { leastMs: 1000, mostMs: 2000 };

const NAMES: OptionNames<SyncOptions<unknown>> = {
  ...{ store: true, sync: true, directory: true, diffusion: true, bodies: true, newcomers: true, resyncLast: true },
  ...{ state: true, authorize: true, leaseMs: true, recoverEveryMs: true, pollMs: true, onWarning: true },
  ...{ receipts: true, membershipEvents: true, deviceTtlMs: true },
};

export function assemble<M>(
  given: Nullable<SyncOptions<M>>,
  { bodySchema, closeLibraries, userCodeMs, patience = PATIENCE, memberChangesPerLook = 32, clock }: Tuning<M>,
): MessageSync<M> {
  const options = checkFields<SyncOptions<M>>(given, NAMES);
  const { store, sync, directory, diffusion, newcomers = 'since-joining', bodies } = options;
  checkLibrary(store, 'store');
  checkLibrary(sync, 'sync');
  if ((sync as unknown) === store) throw invalidArgument('sync', 'must be another library than store');
  const state = stateLibrary(options);
  if (typeof directory?.members !== 'function' || typeof directory.conversations !== 'function') {
    throw invalidArgument('directory', 'must have members and conversations');
  }
  if (typeof diffusion?.choose !== 'function' || !Array.isArray(diffusion.modes) || diffusion.modes.length === 0) {
    throw invalidArgument('diffusion', 'must be made by writeDiffusion, readDiffusion or hybridDiffusion, or be alike');
  }
  for (const mode of diffusion.modes) checkMode(mode, 'diffusion.modes');
  if (newcomers !== 'all' && newcomers !== 'since-joining') {
    checkCount(checkFields(newcomers, { last: true }, 'newcomers').last, 'newcomers.last', {
      least: 0,
      most: MAX_LAST_MESSAGES,
    });
  }
  const { authorize, onWarning = emitWarning } = options;
  checkFunction(authorize, 'authorize');
  checkFunction(onWarning, 'onWarning');
  const refusing = new AbortController();
  const closing = new AbortController();
  const libraries = { store, sync, state };
  const settings = lazy(() => initializeSettings(libraries, diffusion.modes, closing.signal));
  const { get, renew } = settings;
  const life = { settings: get, renew, isCurrent: (known: LibrarySettings) => isCurrentLife(libraries, known) };
  const context: Context<M> = {
    store,
    sync,
    state,
    directory: guardDirectory(directory, userCodeMs),
    diffusion: guardDiffusion(diffusion, userCodeMs),
    authorize: authorize && guardAuthorize(authorize, userCodeMs),
    bodySchema,
    newcomers,
    resyncLast: checkCount(options.resyncLast ?? 50, 'resyncLast', { least: 0, most: MAX_LAST_MESSAGES }),
    pollMs: checkCount(options.pollMs ?? 1000, 'pollMs', { least: 10, most: MAX_TIMER_MS }),
    receipts: checkFlag(options.receipts, 'receipts'),
    membershipEvents: checkFlag(options.membershipEvents, 'membershipEvents'),
    deviceTtlMs:
      options.deviceTtlMs === undefined
        ? undefined
        : checkCount(options.deviceTtlMs, 'deviceTtlMs', { least: 1000, most: Number.MAX_SAFE_INTEGER }),
    clock: clock ?? SYSTEM_CLOCK,
    fanOutPositions: new FanOutPositions(store, closing.signal),
    settings: get,
    libraryLife: new LibraryLife(life, clock ?? SYSTEM_CLOCK),
    patience,
    memberChangesPerLook,
    warn: withoutThrowing(onWarning),
    refusing: refusing.signal,
    closing: closing.signal,
    refersTo: refersToBody(bodies, sync.capabilities),
  };
  const leaseMs = checkCount(options.leaseMs ?? 300_000, 'leaseMs', { least: 100, most: MAX_TIMER_MS / 4 });
  const recoverEveryMs = checkCount(options.recoverEveryMs ?? 10_000, 'recoverEveryMs', {
    least: 0,
    most: MAX_TIMER_MS,
  });
  const { deviceTtlMs } = context;
  const afterComparing = deviceTtlMs === undefined ? undefined : () => forgetIdleDevices(context);
  const fanOut = new FanOut(context, { leaseMs, recoverEveryMs, afterComparing });
  return new LibraryMessageSync(context, fanOut, {
    refuseCalls: () => refusing.abort(),
    stop: () => closing.abort(),
    closeLibraries,
  });
}

function checkFlag(value: unknown, argument: string): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalidArgument(argument, `must be a boolean, not ${describeValue(value)}`);
  return value === true;
}

function checkLibrary(library: Pick<TimelineStore<unknown>, 'capabilities' | 'appendToMany'>, argument: string): void {
  if (typeof library?.appendToMany !== 'function')
    throw invalidArgument(argument, `must be a TimelineStore, not ${describeValue(library)}`);
  const { capabilities } = library;
  const missing = capabilities.keyWindowMs === 0 ? 'keyWindowMs' : capabilities.checkpoints ? undefined : 'checkpoints';
  if (missing !== undefined) throw unsupported('message synchronisation', missing, capabilities, argument);
}

function unsupported(
  need: string,
  capability: string,
  { adapter }: { readonly adapter: string },
  argument: string,
): TimelineError {
  const message = `${need} needs ${capability}, which the ${adapter} adapter of ${argument} does not support`;
  return new TimelineError('TIMELINE_UNSUPPORTED', message, { capability });
}

/** Messages may expire. The library's own Timelines say who is a member and in which mode: they may not. */
function stateLibrary<M>({ store, sync, state }: SyncOptions<M>): TimelineStore<Stored<M>> {
  if (state === undefined) {
    if (store.ttlMs === undefined) return store;
    throw invalidArgument('state', 'must be given, a library without a TTL, because store has one');
  }
  checkLibrary(state, 'state');
  if ((state as unknown) === sync) throw invalidArgument('state', 'must be another library than sync');
  if (state.ttlMs !== undefined) throw invalidArgument('state', `must not have a TTL, but has ${state.ttlMs} ms`);
  return state;
}

/** `get` calls `make` on first use; after a failure, or after `renew`, on the next use again. */
function lazy<T>(make: () => Promise<T>): { get(): Promise<T>; renew(): Promise<T> } {
  let made: Promise<T> | undefined;
  const get = () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  const renew = () => {
    made = undefined;
    return get();
  };
  return { get, renew };
}

/** A copied body has to be removed from inboxes when its message is edited or recalled. */
function refersToBody(
  bodies: SyncOptions<unknown>['bodies'],
  capabilities: TimelineStore<unknown>['capabilities'],
): (body: unknown) => boolean {
  const { update } = capabilities;
  if (bodies === 'reference' || (bodies === undefined && !update)) return () => true;
  const least = bodies === undefined || bodies === 'copy' ? undefined : checkCount(bodies, 'bodies', { least: 0 });
  if (!update) throw unsupported(`bodies: ${describeValue(bodies)}`, 'update', capabilities, 'sync');
  if (least === undefined) return () => false;
  return (body) => (JSON.stringify(body)?.length ?? 0) >= least;
}

/** Reports an error of the callback as a warning instead of throwing it. */
function withoutThrowing(warn: Context<unknown>['warn']): Context<unknown>['warn'] {
  return (warning) => {
    try {
      warn(warning);
    } catch (error) {
      emitWarning({ code: warning.code, message: `${warning.message} (and onWarning failed: ${reasonOf(error)})` });
    }
  };
}

function emitWarning({ code, message }: { readonly code: string; readonly message: string }): void {
  process.emitWarning(message, { type: 'TimelineWarning', code });
}
