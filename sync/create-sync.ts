import { MAX_TIMER_MS, USER_CODE_MS } from '../src/budget.js';
import { invalidArgument, reasonOf, TimelineError } from '../src/errors.js';
import { checkCount } from '../src/range.js';
import { checkFunction, checkObject, describe } from '../src/text.js';
import type { TimelineStore } from '../src/types.js';
import { guardDiffusion, guardDirectory } from './callbacks.js';
import { Sync } from './message-sync.js';
import { settleBeginning } from './modes/conversation-modes.js';
import { checkMode } from './modes/diffusion.js';
import { FanOut } from './outbox/fan-out.js';
import type { Context } from './shared/context.js';
import { Positions } from './shared/fan-out-positions.js';
import type { MessageSync, SyncOptions } from './types.js';

const MAX_LAST = 1000;

/**
 * Message synchronisation over two libraries: store first, then sync, then push. Any number of processes may do so over
 * the same libraries. The libraries stay the caller's; close this before them.
 */
export function createSync<M>(options: SyncOptions<M>): MessageSync<M> {
  return assemble(options, USER_CODE_MS);
}

/** `userCodeMs`: how long callbacks may take, which tests shorten. */
export function assemble<M>(options: SyncOptions<M>, userCodeMs: number): MessageSync<M> {
  const {
    store,
    sync,
    directory,
    diffusion,
    newcomers = 'since-joining',
    bodies = 'copy',
  } = checkObject(options, 'options');
  checkLibrary(store, 'store');
  checkLibrary(sync, 'sync');
  if ((sync as unknown) === store) throw invalidArgument('sync', 'must be another library than store');
  if (typeof directory?.members !== 'function' || typeof directory.conversations !== 'function') {
    throw invalidArgument('directory', 'must have members and conversations');
  }
  if (typeof diffusion?.choose !== 'function' || !Array.isArray(diffusion.modes) || diffusion.modes.length === 0) {
    throw invalidArgument('diffusion', 'must be made by writeDiffusion, readDiffusion or hybridDiffusion, or be alike');
  }
  for (const mode of diffusion.modes) checkMode(mode, 'diffusion.modes');
  if (newcomers !== 'all' && newcomers !== 'since-joining') {
    checkCount(checkObject(newcomers, 'newcomers').last, 'newcomers.last', { least: 0, most: MAX_LAST });
  }
  const { onWarning = emitWarning } = options;
  checkFunction(onWarning, 'onWarning');
  const stop = new AbortController();
  const context: Context<M> = {
    store,
    sync,
    directory: guardDirectory(directory, userCodeMs),
    diffusion: guardDiffusion(diffusion, userCodeMs),
    newcomers,
    resyncLast: checkCount(options.resyncLast ?? 50, 'resyncLast', { least: 0, most: MAX_LAST }),
    pollMs: checkCount(options.pollMs ?? 1000, 'pollMs', { least: 10, most: MAX_TIMER_MS }),
    positions: new Positions(store, stop.signal),
    beginning: once(() => settleBeginning(store, diffusion.modes, stop.signal)),
    warn: quietly(onWarning),
    closing: stop.signal,
    refersTo: referring(bodies),
  };
  const leaseMs = checkCount(options.leaseMs ?? 30_000, 'leaseMs', { least: 100, most: MAX_TIMER_MS / 4 });
  const recoverEveryMs = checkCount(options.recoverEveryMs ?? 10_000, 'recoverEveryMs', {
    least: 0,
    most: MAX_TIMER_MS,
  });
  return new Sync(context, new FanOut(context, { leaseMs, recoverEveryMs }), stop);
}

function checkLibrary(library: Pick<TimelineStore<unknown>, 'capabilities' | 'appendToMany'>, argument: string): void {
  if (typeof library?.appendToMany !== 'function')
    throw invalidArgument(argument, `must be a TimelineStore, not ${describe(library)}`);
  const { capabilities } = library;
  const missing = capabilities.keyWindowMs === 0 ? 'keyWindowMs' : capabilities.checkpoints ? undefined : 'checkpoints';
  if (missing === undefined) return;
  const message = `message synchronisation needs ${missing}, which the ${capabilities.adapter} adapter of ${argument} does not support`;
  throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: missing });
}

/** Made when first asked for; a failure is asked anew. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

function referring(bodies: 'copy' | 'reference' | number): (body: unknown) => boolean {
  if (bodies === 'copy') return () => false;
  if (bodies === 'reference') return () => true;
  const least = checkCount(bodies, 'bodies', { least: 0 });
  return (body) => (JSON.stringify(body)?.length ?? 0) >= least;
}

/** A callback that throws stops nothing but itself. */
function quietly(warn: Context<unknown>['warn']): Context<unknown>['warn'] {
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
