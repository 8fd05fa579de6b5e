/** Mounts the gateway in a server of `node:http`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGateway, toNodeHandler } from 'timeline-model/http';
import type { MessageSync } from 'timeline-model/sync';
import type { Body } from '../../shared/bodies.js';

export interface MountedGateway {
  handle(request: IncomingMessage, response: ServerResponse): void;
  drain(): Promise<void>;
}

/** One person sends a thousand messages at once here: limits that protect a real server would slow the demo. */
const LIMITS = { sendsPerSecond: 100_000, requestsPerSecond: 100_000, streamsPerUser: 64 };

export function mountGateway(chat: MessageSync<Body>): MountedGateway {
  const gateway = createGateway<Body>(chat, {
    // A stub: the token is the name. A real server checks a session or a signed token here.
    authenticate: (request) => {
      const user = request.headers.get('authorization')?.replace('Bearer ', '');
      return user ? { user } : undefined;
    },
    limits: LIMITS,
  });
  const handle = toNodeHandler(gateway.fetch);
  return { handle, drain: () => gateway.drain() };
}
