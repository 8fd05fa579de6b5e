import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import { createGateway, toNodeHandler } from '../../../http/index.js';
import { openMessageSync } from '../../../sync/index.js';
import { chromiumPath, launch } from '../../support/browser.js';

/** Serves a page with this script, and a chat in which ann and bob talk. */
async function serve(script: string) {
  const sync = await openMessageSync<string>({ adapter: memoryAdapter() });
  await (await sync.join('team', ['ann', 'bob'])).delivered;
  const { fetch } = createGateway(sync, { authenticate: () => ({ user: 'ann' }), basePath: '/chat' });
  const handle = toNodeHandler(fetch);
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/chat/')) handle(request, response);
    else
      response
        .setHeader('content-type', 'text/html; charset=utf-8')
        .end(`<!doctype html><script type="module">${script}</script>`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await sync.close();
  });
  return { sync, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe.skipIf(!chromiumPath)('the hooks for React', () => {
  it('show messages, the state and unread messages, and mark what is shown as read', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, 'page.ts')],
      ...{ bundle: true, format: 'esm', platform: 'browser', write: false, minify: true },
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    const { sync, url } = await serve(outputFiles[0]!.text.replaceAll('</script', '<\\/script'));
    const browser = await launch();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByText('live, 0 unread:').waitFor();
    const { seqId } = await sync.send({ conversation: 'team', sender: 'bob', body: 'lunch?' });
    await page.getByText('live, 0 unread: lunch?').waitFor();
    for await (const { message } of sync.history('team').subscribe()) if (message.kind === 'message') break;
    await page.getByRole('button').click();
    await page.getByText('lunch?, hello from React').waitFor();
    await expect.poll(async () => (await sync.readPositions('team', ['ann'])).get('ann')).toBeGreaterThanOrEqual(seqId);
  });
});
