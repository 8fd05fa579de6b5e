import { TimelineError } from '../../src/errors.js';
import { isCluster, type RedisClient } from './client.js';
import type { LibraryContext } from './library.js';
import { toTimelineError } from './redis-errors.js';

/** Waits until what this connection has written is where the options want it. In a Cluster each node is asked: those without writes answer at once. */
export async function awaitCopies({ connections, settings }: LibraryContext): Promise<void> {
  const { waitReplicas, waitAof, waitMs } = settings;
  if (waitReplicas === 0 && !waitAof) return;
  const { own } = connections;
  const nodes: readonly RedisClient[] = isCluster(own) ? own.nodes('master') : [own];
  await Promise.all(
    nodes.filter(({ status }) => status === 'ready').map((node) => awaitNode(node, waitReplicas, waitAof, waitMs)),
  );
}

async function awaitNode(node: RedisClient, replicas: number, aof: boolean, waitMs: number): Promise<void> {
  try {
    if (aof) {
      const [local, remote] = (await node.call('waitaof', [1, replicas, waitMs])) as [number, number];
      if (Number(local) < 1 || Number(remote) < replicas) throw notCopied(`the disk of the server and ${replicas} replicas`);
    } else if (Number(await node.call('wait', [replicas, waitMs])) < replicas) throw notCopied(`${replicas} replicas`);
  } catch (error) {
    const { message } = toTimelineError(error, 'write');
    throw new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome: 'unknown', cause: error });
  }
}

function notCopied(where: string): TimelineError {
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', `the write was applied but did not reach ${where} in time`, {
    outcome: 'unknown',
  });
}
