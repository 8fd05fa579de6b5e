/** Routes of the chat server for the demo's page: what lies beneath, and faults that only the store can have. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { importLog, NotALog } from './import-log.js';
import { inspect } from './inspect.js';
import type { Libraries } from './libraries.js';
import type { ChannelReaders } from './readers.js';

const MAX_LOG_BYTES = 8 * 2 ** 20;
const MAX_ENTRIES = 200;

type Route = (url: URL, body: Uint8Array) => Promise<unknown>;

export function createAdminRoutes(libraries: Libraries, readers: ChannelReaders) {
  const routes: Readonly<Record<string, Route>> = {
    'GET /demo/inspect': async ({ searchParams }) =>
      inspect(libraries, {
        conversation: searchParams.get('conversation') ?? '',
        devices: searchParams.getAll('device').map((name) => {
          const [user = '', device = ''] = name.split('/');
          return { user, device };
        }),
        limit: Math.min(Number(searchParams.get('limit')) || 60, MAX_ENTRIES),
      }),
    'GET /demo/readers': async () => readers.standing(),
    'POST /demo/expire': async ({ searchParams }) => expire(libraries, searchParams.getAll('user')),
    'POST /demo/import': async ({ searchParams }, body) =>
      importLog(libraries.chat, searchParams.get('name') ?? '', body),
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const route = routes[`${request.method} ${url.pathname}`];
    if (route === undefined) return answer(response, 404, { message: 'no such route' });
    try {
      answer(response, 200, await route(url, await bodyOf(request)));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      answer(response, error instanceof NotALog ? 400 : 500, { message });
    }
  };
}

/** Removes what the inboxes hold, as expiry does. The clock of a store cannot be moved, so its entries are trimmed. */
async function expire({ inboxes }: Libraries, users: readonly string[]): Promise<object> {
  for (const user of users) {
    const inbox = inboxes.timeline(user);
    const { lastSeqId } = await inbox.head();
    if (lastSeqId > 0n) await inbox.trim({ through: lastSeqId });
  }
  return {};
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_LOG_BYTES) throw new NotALog(`This file is larger than ${MAX_LOG_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
