import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { operationOf, tableOperationQuota } from './dispatch.js';
import { bodyTooLarge, errorOfCode, ServiceError } from './errors.js';
import { type Fault, faultError } from './faults.js';
import { authenticate, type Credentials, responseHeaders } from './signature.js';
import type { Instance } from './storage/instance.js';
import { ErrorMessage } from './wire/messages-table.js';
import { encode } from './wire/protobuf.js';

/** Exceeds the idle timeout of clients: a connection that the server closes first costs a client a failed write. */
const KEEP_ALIVE_MS = 120_000;

/** Outcome of a request: a response, or a fault that sends none. */
type Outcome = { readonly status: number; readonly body: Uint8Array } | 'silence' | 'reset';

export function createEmulatorServer(instance: Instance, credentials: Credentials): Server {
  const countTableOperation = tableOperationQuota(instance.options.tableOperationsPerSecond);

  async function answer(request: IncomingMessage): Promise<Outcome> {
    if (request.method !== 'POST') {
      throw new ServiceError(405, 'OTSMethodNotAllowed', 'Only POST method for requests is supported.');
    }
    const body = await readBody(request, instance.limits.bodyBytes);
    const path = request.url ?? '/';
    const name = path.slice(1);
    const run = operationOf(name);
    authenticate(credentials, path, request.headers, body);
    countTableOperation(name);
    const before = instance.faults.faultFor(name, 'before');
    if (before) return outcomeOf(before);
    const result = await run(instance, body);
    const after = instance.faults.faultFor(name, 'after');
    return after ? outcomeOf(after) : { status: 200, body: result };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const outcome = await answer(request).catch(failure);
    if (outcome === 'silence' || response.destroyed) return;
    if (outcome === 'reset') request.socket.resetAndDestroy();
    else {
      const { status, body } = outcome;
      response.writeHead(status, responseHeaders(credentials, request.url ?? '/', randomUUID(), body)).end(body);
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 1000;
  return server;
}

function outcomeOf(fault: Fault): Outcome {
  if (fault.effect === 'silence' || fault.effect === 'reset') return fault.effect;
  throw faultError(fault);
}

function failure(error: unknown): Outcome {
  if (error instanceof ClientGone) return 'silence';
  const known = error instanceof ServiceError ? error : errorOfCode('OTSInternalServerError');
  if (known !== error) console.error(error);
  return { status: known.status, body: encode(ErrorMessage, { code: known.code, message: known.message }) };
}

/** The connection broke before the whole request arrived. */
class ClientGone extends Error {}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      // Read and drop the excess, because the client reads the response only after sending everything.
      if (length <= limit) chunks.push(chunk);
    });
    request.once('end', resolve);
    request.once('error', () => reject(new ClientGone()));
  });
  if (length > limit) throw bodyTooLarge();
  return Buffer.concat(chunks);
}
