import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { createGateway, toNodeHandler } from '../../http/index.js';
import { type MessageSync, openMessageSync } from '../../sync/index.js';
import { chromiumPath, launch } from '../support/browser.js';
import './support/browser-page.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';

const PAGE = '<!doctype html><title>chat</title><script type="module" src="/browser-page.js"></script>';

const LIMITS = { sendsPerSecond: 1000 };

let browser: Browser;
let files: Map<string, string>;

/** A server of the page and of the gateway, which can refuse all requests to the latter. */
class Site {
  isDown = false;
  url = '';
  readonly sync: MessageSync<string>;
  readonly #server: HttpServer;

  private constructor(sync: MessageSync<string>) {
    this.sync = sync;
    const authenticate = (request: Request) => {
      const user = request.headers.get('authorization')?.replace('Bearer ', '');
      return user ? { user } : undefined;
    };
    const handle = toNodeHandler(createGateway(sync, { authenticate, basePath: '/chat', limits: LIMITS }).fetch);
    this.#server = createServer((request, response) => {
      const { url = '/' } = request;
      if (url.startsWith('/chat/')) {
        if (this.isDown) request.destroy();
        else handle(request, response);
        return;
      }
      const code = files.get(url);
      response.setHeader('content-type', code === undefined ? 'text/html' : 'text/javascript');
      response.end(code ?? PAGE);
    });
  }

  static async open(): Promise<Site> {
    const site = new Site(await openMessageSync<string>({ adapter: memoryAdapter(), pollMs: 100 }));
    await new Promise<void>((done) => site.#server.listen(0, '127.0.0.1', done));
    site.url = `http://127.0.0.1:${(site.#server.address() as AddressInfo).port}/`;
    await (await site.sync.join('team', ['ann', 'bob'])).delivered;
    onTestFinished(async () => {
      site.#server.closeAllConnections();
      site.#server.close();
      await site.sync.close();
    });
    return site;
  }

  down(): void {
    this.isDown = true;
    this.#server.closeAllConnections();
  }

  async say(body: string): Promise<void> {
    await (await this.sync.send({ conversation: 'team', sender: 'bob', body })).delivered;
  }
}

async function tab(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => 'shown' in globalThis);
  await page.evaluate(() => globalThis.open('ann', 'laptop'));
  return page;
}

const untilShows = (page: Page, expected: readonly string[]) =>
  until(`the page shows ${expected.slice(0, 10)}`, async () => {
    const shown = await page.evaluate(() => globalThis.shown());
    return JSON.stringify(shown) === JSON.stringify(expected);
  });

const untilLive = (page: Page) => until('the page is live', () => page.evaluate(() => chat.state === 'live'));

describe.skipIf(!chromiumPath)('in a browser', () => {
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(resolve(import.meta.dirname), 'support/browser-page.ts')],
      ...{ bundle: true, splitting: true, format: 'esm', platform: 'browser', write: false, outdir: '/out' },
    });
    files = new Map(outputFiles.map(({ path, text }) => [path.replace(/^.*\/out/, ''), text]));
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function opened(): Promise<{ site: Site; context: BrowserContext }> {
    const site = await Site.open();
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    return { site, context };
  }

  it('what was not sent outlives a reload of the page, and is sent once and in order', async () => {
    const { site, context } = await opened();
    const page = await tab(context, site);
    await site.say('hello');
    await untilShows(page, ['hello']);
    site.down();
    await page.evaluate(() => {
      for (const body of ['one', 'two', 'three']) chat.send('team', body);
    });
    await untilShows(page, ['hello', 'one pending', 'two pending', 'three pending']);
    await page.reload();
    await page.waitForFunction(() => 'shown' in globalThis);
    await page.evaluate(() => globalThis.open('ann', 'laptop'));
    await untilShows(page, ['one pending', 'two pending', 'three pending']);
    site.isDown = false;
    await untilShows(page, ['hello', 'one', 'two', 'three']);
    const { messages } = await site.sync.messages('team');
    expect(messages.map(({ body }) => body)).toEqual(['hello', 'one', 'two', 'three']);
    await page.reload();
    await page.waitForFunction(() => 'shown' in globalThis);
    await page.evaluate(() => globalThis.open('ann', 'laptop'));
    await untilShows(page, ['hello', 'one', 'two', 'three']);
    expect(await page.evaluate(() => chat.outbox.getSnapshot().length)).toBe(0);
  });

  it('500 messages written without a network are sent in order once it is there', async () => {
    const { site, context } = await opened();
    site.down();
    const page = await tab(context, site);
    const written = numbered(500);
    await page.evaluate((all) => {
      for (const body of all) chat.send('team', body);
    }, written);
    await until('all are kept', async () => (await page.evaluate(() => kept('chat:ann'))) === 500);
    await page.reload();
    await page.waitForFunction(() => 'shown' in globalThis);
    await page.evaluate(() => globalThis.open('ann', 'laptop'));
    await untilShows(
      page,
      written.map((body) => `${body} pending`),
    );
    site.isDown = false;
    await until('the outbox is empty', () => page.evaluate(() => chat.outbox.getSnapshot().length === 0));
    const stored: unknown[] = [];
    for await (const { message } of site.sync.history('team').scan())
      if (message.kind === 'message') stored.push(message.body);
    expect(stored).toEqual(written);
  });

  it('one tab is connected for all, and another one goes on when it is closed', async () => {
    const { site, context } = await opened();
    const first = await tab(context, site);
    await untilLive(first);
    const second = await tab(context, site);
    await untilLive(second);
    await second.evaluate(() => void chat.send('team', 'from the second'));
    await site.say('to both');
    for (const page of [first, second]) {
      await until('both messages are there', () => page.evaluate(() => bodies.length === 2));
      expect((await page.evaluate(() => shown())).sort()).toEqual(['from the second', 'to both']);
    }
    expect(await second.evaluate(() => states.includes('connecting'))).toBe(false);
    site.down();
    await until('both know', () => second.evaluate(() => chat.state !== 'live'));
    await second.evaluate(() => void chat.send('team', 'later'));
    await until('the first shows it', () => first.evaluate(() => shown().includes('later pending')));
    await first.close();
    site.isDown = false;
    await untilLive(second);
    await site.say('to the second');
    await until('all is there', () => second.evaluate(() => bodies.length === 4));
    const all = await second.evaluate(() => [bodies, shown()]);
    const stored = (await site.sync.messages('team')).messages.map(({ body }) => body);
    expect(stored).toHaveLength(4);
    expect(all).toEqual([stored, stored]);
  });
});
