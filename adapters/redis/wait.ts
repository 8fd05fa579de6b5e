import type { Call } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import type { LibraryContext } from './library.js';
import { messageOf } from './redis-errors.js';

const WAKING_MS = 120;

/**
 * Waits until what this connection has written is where the options want it. In a Cluster each node is asked: those
 * without writes answer at once.
 */
export async function awaitCopies({ connections, settings }: LibraryContext, call: Call): Promise<void> {
  const { waitReplicas, waitAof, waitMs } = settings;
  if (waitReplicas === 0 && !waitAof) return;
  // The answer has to come before the deadline, and Redis looks at its clock ten times in a second.
  const left = call.deadline - performance.now() - WAKING_MS;
  const ms = Math.max(1, Math.floor(Math.min(waitMs, left) * 0.95));
  try {
    if (waitAof) {
      const answers = (await connections.askWriters('waitaof', [1, waitReplicas, ms], call)) as [number, number][];
      const isThere = ([local, remote]: [number, number]) => Number(local) >= 1 && Number(remote) >= waitReplicas;
      if (!answers.every(isThere)) throw notCopied(`the disk of the server and ${waitReplicas} replicas`);
    } else {
      const answers = await connections.askWriters('wait', [waitReplicas, ms], call);
      if (!answers.every((replicas) => Number(replicas) >= waitReplicas)) throw notCopied(`${waitReplicas} replicas`);
    }
  } catch (error) {
    throw new TimelineError('TIMELINE_OUTCOME_UNKNOWN', messageOf(error), { outcome: 'unknown', cause: error });
  }
}

function notCopied(where: string): TimelineError {
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', `the write was applied but did not reach ${where} in time`, {
    outcome: 'unknown',
  });
}
