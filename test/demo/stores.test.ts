import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launch } from '../support/browser.js';
import { nightly } from '../support/nightly.js';
import { DemoPage } from './support/demo-page.js';
import { startDemo } from './support/running-demo.js';

describe.skipIf(!nightly || chromiumPath === undefined)('the demo on other stores', { timeout: 300_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  }, 60_000);

  afterAll(() => browser?.close());

  it.each([
    ['redis', '5,000'],
    ['tablestore', '500'],
  ])('%s survives its server, and has %s members in the channel', async (store, members) => {
    const demo = await startDemo('--store', store);
    const page = await DemoPage.open(browser, demo.url);
    await page.tool('kill').click();
    await page.page.locator('.banner', { hasText: 'Keep writing' }).waitFor();
    await page.write('ann', 'Written while it is dead');
    await page.tool('kill').click();
    await page.untilExact(1, [1, 1]);
    await page.pane('ann').locator('[data-conversation="channel:releases"]').click();
    await page
      .pane('ann')
      .locator('.about', { hasText: `${members} members` })
      .waitFor();
    expect(await page.pane('ann').locator('textarea').getAttribute('placeholder')).toBe(`Write to ${members} members`);
    await page.close();
    await demo.close();
  });

  it('memory says that it ends with its server, and begins anew after one that died', async () => {
    const demo = await startDemo('--store', 'memory');
    const page = await DemoPage.open(browser, demo.url);
    await page.write('ann', 'This will be gone');
    await page.untilExact(1, [1, 1]);
    await page.tool('kill').dispatchEvent('click');
    await page.page.locator('.narrator', { hasText: 'A memory store ends with its server.' }).waitFor();
    // As from a terminal.
    await fetch(`${demo.url}/demo/kill`, { method: 'POST', headers: { 'x-demo': '1' } });
    await page.page.locator('.banner', { hasText: 'they are gone' }).waitFor();
    expect(await page.verdict()).toBe('1 lost with the memory.');
    await page.page.locator('.banner button').click();
    await page.page.locator('.counter[data-verdict="none"]').waitFor();
    await page.untilLive();
    await page.write('bob', 'A new beginning');
    await page.untilExact(1, [1, 1]);
    await page.close();
    await demo.close();
  });
});
