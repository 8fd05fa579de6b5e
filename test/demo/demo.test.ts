import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launch } from '../support/browser.js';
import { DemoPage } from './support/demo-page.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

describe.skipIf(chromiumPath === undefined)('the demo in a browser', { timeout: 240_000 }, () => {
  let demo: RunningDemo;
  let browser: Browser;

  beforeAll(async () => {
    [demo, browser] = await Promise.all([startDemo('--store', 'sqlite'), launch()]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  it('counts every message once on three devices and in a second browser, whatever is killed and cut', async () => {
    const page = await DemoPage.open(browser, demo.url);
    const witness = await DemoPage.open(browser, demo.url);
    await page.write('ann', 'Who has the keys?');
    await page.untilShown('bob', 'Who has the keys?');
    await page.write('bob', 'They are on the hook');
    await page.untilShown('ann', 'They are on the hook');
    await page.addDevice();
    await page.untilExact(2, [2, 2, 0]);

    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor();
    await page.write('ann', 'Written while the server is dead');
    await page.write('bob', 'This one too');
    await expect.poll(() => page.verdict()).toBe('Nothing lost. 2 on their way.');
    await page.page.locator('.banner button').click();
    await page.untilExact(4, [4, 4, 2]);

    await page.tool('cut-bob').click();
    await page.pane('bob').locator('.device-state[data-state="offline"]').waitFor();
    for (const text of ['First', 'Second', 'Third']) await page.write('ann', `${text} of three while Bob is away`);
    await page.write('bob', 'From the tunnel');
    await expect.poll(async () => (await page.figures()).devices).toEqual(['7', '4', '5']);
    await page.tool('cut-bob').click();
    await page.untilExact(8, [8, 8, 6]);
    expect((await page.seqIds('ann')).slice(-10)).toEqual((await page.seqIds('bob')).slice(-10));

    await witness.untilExact(8, [8, 8]);
    await witness.close();
    await page.close();
  });
});
