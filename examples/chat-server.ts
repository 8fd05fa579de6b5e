/**
 * A chat server with Hono and WebSockets: `npm run example:server`, with `PORT` (3000) and `CHAT_DB` (chat.db).
 *
 * Clients send and read by HTTP. Each device keeps a WebSocket to `/devices/<its name>`, which streams what it has not
 * acknowledged as `{ message, cursor }`, and takes `{ "ack": cursor }` and `{ "typing": conversation }`. A client that
 * connects again with `?after=<the last cursor that it has shown>` gets neither a gap nor a repetition. Closed with
 * 1008, it connects without `after`.
 */
import { once } from 'node:events';
import { serve, upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server';
import { Hono } from 'hono';
import { isTimelineError, type TimelineErrorCode } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { type ConversationSummary, type Device, membersOnly, openMessageSync } from 'timeline-model/sync';
import { type WebSocket, WebSocketServer } from 'ws';

const STATUSES: Partial<Record<TimelineErrorCode, 400 | 403 | 404 | 409 | 413>> = {
  TIMELINE_INVALID_ARGUMENT: 400,
  TIMELINE_INVALID_CURSOR: 400,
  TIMELINE_FORBIDDEN: 403,
  TIMELINE_NOT_FOUND: 404,
  TIMELINE_KEY_CONFLICT: 409,
  TIMELINE_TOO_LARGE: 413,
};

const chat = await openMessageSync<string>({
  adapter: sqliteAdapter(process.env.CHAT_DB ?? 'chat.db'),
  ttlMs: 30 * 24 * 3_600_000,
  authorize: membersOnly(),
  schema: { '~standard': { version: 1, vendor: 'chat-server', validate: checkText } },
});

function checkText(value: unknown): { value: string } | { issues: { message: string }[] } {
  const isText = typeof value === 'string' && value.length <= 4000;
  return isText ? { value } : { issues: [{ message: 'must be a text of at most 4000 characters' }] };
}

const app = new Hono<{ Variables: { user: string } }>();

// A stub: the token is the name. Check a session or a signed token here.
app.use(async (c, next) => {
  const user = c.req.header('authorization')?.replace('Bearer ', '') ?? c.req.query('token');
  if (!user) return c.json({ code: 'NOT_SIGNED_IN' }, 401);
  c.set('user', user);
  return next();
});

app.onError((error, c) => {
  if (error instanceof SyntaxError) return c.json({ code: 'NO_JSON', message: error.message }, 400);
  if (!isTimelineError(error)) throw error;
  return c.json({ code: error.code, message: error.message }, STATUSES[error.code] ?? 503);
});

app.get('/conversations', async (c) => {
  const { limit = '50', after } = c.req.query();
  const summaries: ConversationSummary<string>[] = [];
  const list = chat.conversations(c.get('user'), { limit: Number(limit), after, atMost: 99 });
  for await (const summary of list) summaries.push(summary);
  return c.json(summaries);
});

// Whoever comes first founds the conversation. After that, members add others.
app.post('/conversations/:id/members', async (c) => {
  const id = c.req.param('id');
  const { users, key } = await c.req.json();
  const { done: isNew } = await chat.members(id)[Symbol.asyncIterator]().next();
  if (!isNew && !(await chat.isMember(id, c.get('user')))) return c.json({ code: 'NOT_A_MEMBER' }, 403);
  const joined = await chat.join(id, users, { key });
  await joined.delivered;
  return c.json(joined, 201);
});

app.delete('/conversations/:id/members/me', async (c) =>
  c.json(await chat.leave(c.req.param('id'), c.get('user'), { by: c.get('user') })),
);

app.get('/conversations/:id/messages', async (c) => {
  const { limit = '50', before, after } = c.req.query();
  const options = { user: c.get('user'), limit: Number(limit), before, after };
  return c.json(await chat.messages(c.req.param('id'), options));
});

app.post('/conversations/:id/messages', async (c) => {
  const { body, relatesTo, countable, mentions, key } = await c.req.json();
  const message = { conversation: c.req.param('id'), sender: c.get('user'), body, relatesTo, countable, mentions };
  return c.json(await chat.send({ ...message, key: c.req.header('idempotency-key') ?? key }), 201);
});

app.patch('/conversations/:id/messages/:seqId', async (c) => {
  const { body, key } = await c.req.json();
  return c.json(await chat.edit(c.req.param('id'), c.req.param('seqId'), body, { key, by: c.get('user') }));
});

app.delete('/conversations/:id/messages/:seqId', async (c) =>
  c.json(await chat.recall(c.req.param('id'), c.req.param('seqId'), { by: c.get('user') })),
);

app.put('/conversations/:id/read', async (c) => {
  const { seqId } = await c.req.json();
  return c.json({ readSeqId: String(await chat.markRead(c.get('user'), c.req.param('id'), seqId)) });
});

app.get(
  '/devices/:device',
  upgradeWebSocket((c) => {
    const device = chat.device(c.get('user'), c.req.param('device') ?? '');
    const connection = new AbortController();
    return {
      onOpen: (_, { raw }) => stream(device, c.req.query('after'), raw as WebSocket, connection.signal),
      onMessage: ({ data }, { raw }) => receive(device, String(data), raw as WebSocket),
      onClose: () => connection.abort(),
    };
  }),
);

/** Sends what the device has not acknowledged, then what comes. A slow client slows down only its own stream. */
async function stream(device: Device<string>, after: string | undefined, socket: WebSocket, signal: AbortSignal) {
  try {
    if (after) await device.ack(after);
    for await (const message of device.subscribe({ signal })) {
      const frame = JSON.stringify({ message, cursor: message.cursor });
      await new Promise((resolve) => socket.send(frame, resolve));
    }
  } catch (error) {
    if (!signal.aborted) refuse(socket, error);
  }
}

async function receive(device: Device<string>, data: string, socket: WebSocket): Promise<void> {
  try {
    const { ack, typing } = JSON.parse(data);
    if (typing !== undefined) await chat.signal(typing, { from: device.user, body: 'typing' });
    else await device.ack(ack);
  } catch (error) {
    refuse(socket, error);
  }
}

/** Closes with 1008 for a mistake of the client, else with 1011: the client connects again. */
function refuse(socket: WebSocket, error: unknown): void {
  const isClients = error instanceof SyntaxError || (isTimelineError(error) && STATUSES[error.code] !== undefined);
  socket.close(isClients ? 1008 : 1011, isTimelineError(error) ? error.code : '');
}

const sockets = new WebSocketServer({ noServer: true, maxPayload: 16_384 });
// Ends connections whose client is gone without a word.
const serverOptions = { keepAlive: true, keepAliveInitialDelay: 30_000 };
const server = serve(
  {
    fetch: app.fetch,
    port: Number(process.env.PORT ?? 3000),
    websocket: { server: sockets as WebSocketServerLike },
    serverOptions,
  },
  ({ port }) => process.stdout.write(`http://localhost:${port}\n`),
);

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
// Takes no more connections, answers the requests under way, and finishes the deliveries.
const closed = once(server, 'close');
server.close();
for (const socket of sockets.clients) socket.close(1001);
await closed;
await chat.close();
