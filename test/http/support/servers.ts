import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { type Gateway, toNodeHandler } from '../../../http/index.js';

/** Starts a server that mounts the gateway. Resolves with its address. */
type Start = (gateway: Gateway) => Promise<string>;

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function opened(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return addressOf(server);
}

export const onNode: Start = (gateway) => opened(createServer(toNodeHandler(gateway.fetch)).listen(0, '127.0.0.1'));

const onHono: Start = (gateway) => {
  const app = new Hono();
  app.all('/*', (c) => gateway.fetch(c.req.raw));
  return opened(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
};

const onExpress: Start = (gateway) => {
  const app = express();
  app.use(toNodeHandler(gateway.fetch));
  return opened(app.listen(0, '127.0.0.1'));
};

/** The usual middleware has read the body by then. */
const onExpressWithParser: Start = (gateway) => {
  const app = express();
  app.use(express.json());
  app.use(toNodeHandler(gateway.fetch));
  return opened(app.listen(0, '127.0.0.1'));
};

const onFastify: Start = async (gateway) => {
  const app = fastify();
  const handle = toNodeHandler(gateway.fetch);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.all('/*', (request, reply) => {
    reply.hijack();
    handle(request.raw, reply.raw);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return opened(app.server);
};

export const SERVERS: readonly [string, Start][] = [
  ['node:http', onNode],
  ['Hono', onHono],
  ['Express', onExpress],
  ['Express with its parser of bodies', onExpressWithParser],
  ['Fastify', onFastify],
];
