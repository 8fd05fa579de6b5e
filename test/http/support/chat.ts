import { onTestFinished } from 'vitest';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../../http/index.js';
import type { TimelineAdapter } from '../../../src/index.js';
import { type MessageSync, type OpenMessageSyncOptions, openMessageSync } from '../../../sync/index.js';

export interface Chat {
  readonly sync: MessageSync<string>;
  readonly gateway: Gateway;
  /** Faults of the server. */
  readonly errors: unknown[];
}

interface ChatOptions extends Partial<GatewayOptions> {
  readonly adapter?: TimelineAdapter;
  readonly sync?: Partial<OpenMessageSyncOptions<string>>;
}

/** The token is the name of the user. */
export function authenticate(request: Request): { user: string } | undefined {
  const user = request.headers.get('authorization')?.replace('Bearer ', '');
  return user ? { user } : undefined;
}

/** A gateway on its own data, closed after the test. */
export async function openChat({
  adapter = memoryAdapter(),
  sync: given,
  ...options
}: ChatOptions = {}): Promise<Chat> {
  const errors: unknown[] = [];
  const sync = await openMessageSync<string>({ adapter, pollMs: 200, recoverEveryMs: 0, ...given });
  const gateway = createGateway(sync, { authenticate, onError: (error) => errors.push(error), ...options });
  onTestFinished(async () => {
    await gateway.drain();
    await sync.close();
  });
  return { sync, gateway, errors };
}

/** Makes users members, and waits until the join is in force. */
export async function join({ sync }: Pick<Chat, 'sync'>, conversation: string, ...users: string[]): Promise<void> {
  await (await sync.join(conversation, users)).delivered;
}
