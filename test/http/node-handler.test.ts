import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toNodeHandler } from '../../http/index.js';

async function serve(handler: (request: Request) => Promise<Response>): Promise<{ server: Server; url: string }> {
  const server = createServer(toNodeHandler(handler)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('the bridge to node:http', () => {
  it('passes method, address, headers and body on, and status, headers and cookies back', async () => {
    const { url } = await serve(async (request) => {
      const { method, headers } = request;
      const seen = { method, url: request.url, header: headers.get('x-a'), body: await request.text() };
      const answer = Response.json(seen, { status: 418 });
      answer.headers.append('set-cookie', 'a=1');
      answer.headers.append('set-cookie', 'b=2');
      return answer;
    });
    const response = await fetch(`${url}/p%20q?x=1`, { method: 'PUT', headers: { 'x-a': 'one' }, body: 'text' });
    expect(response.status).toBe(418);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.json()).toEqual({ method: 'PUT', url: `${url}/p%20q?x=1`, header: 'one', body: 'text' });
  });

  it('tells of a client that is gone', async () => {
    let aborted: Promise<unknown> | undefined;
    let cancelled: (value: unknown) => void = () => {};
    const isCancelled = new Promise((resolve) => {
      cancelled = resolve;
    });
    const { url } = await serve(async ({ signal }) => {
      aborted = once(signal, 'abort');
      return new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)), cancel: cancelled }));
    });
    const client = new AbortController();
    const response = await fetch(url, { signal: client.signal });
    await response.body!.getReader().read();
    client.abort();
    await Promise.all([aborted, isCancelled]);
  });

  it('ends the connection if the body fails while the client does not read', async () => {
    let fail: (error: Error) => void = () => {};
    const { url } = await serve(
      async () =>
        new Response(
          new ReadableStream({
            start: (controller) => {
              fail = (error) => controller.error(error);
            },
            pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
          }),
        ),
    );
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(socket, 'readable');
    const closed = once(socket, 'close');
    fail(new Error('slow'));
    socket.resume();
    await closed;
  });

  it('takes requests of HTTP/2', async () => {
    const server = createHttp2Server(toNodeHandler(async ({ url, method }) => new Response(`${method} ${url}`)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.close();
      server.close();
    });
    const stream = client.request({ ':path': '/a?b', ':authority': 'chat.example' });
    stream.setEncoding('utf8');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(text).toBe('GET http://chat.example/a?b');
  });

  it('answers 500 if the handler fails', async () => {
    const { url } = await serve(() => Promise.reject(new Error('no')));
    expect((await fetch(url)).status).toBe(500);
  });

  it('answers a request without a host', async () => {
    const { url } = await serve(async (request) => new Response(request.url));
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('GET /a HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/http:\/\/localhost\/a$/);
  });

  it.each([
    ['//evil.example/a?b', 'localhost', /^HTTP\/1\.1 200 .*http:\/\/localhost\/\/evil\.example\/a\?b/s],
    ['http://evil.example/a?b', 'localhost', /^HTTP\/1\.1 200 .*http:\/\/localhost\/a\?b/s],
    ['*', 'localhost', /^HTTP\/1\.1 200 .*http:\/\/localhost\//s],
    ['/', 'a b', /^HTTP\/1\.1 400 /],
    ['/', 'ann:secret@localhost', /^HTTP\/1\.1 400 /],
  ])('takes the target %s of the host %s for what it is', async (target, host, expected) => {
    const { url } = await serve(async (request) => new Response(request.url));
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(expected);
  });
});
