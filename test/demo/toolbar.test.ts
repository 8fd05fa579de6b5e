import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launch } from '../support/browser.js';
import { nightly } from '../support/nightly.js';
import { DemoPage } from './support/demo-page.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

const BURST = 40;

describe.skipIf(!nightly || chromiumPath === undefined)('the toolbar of the demo', { timeout: 300_000 }, () => {
  let demo: RunningDemo;
  let browser: Browser;
  const open = () => DemoPage.open(browser, demo.url, { query: `quiet&burst=${BURST}` });

  beforeAll(async () => {
    [demo, browser] = await Promise.all([startDemo('--store', 'sqlite'), launch()]);
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  it.each(['ann', 'bob'] as const)('cuts %s off and reconnects', async (person) => {
    const page = await open();
    const other = person === 'ann' ? 'bob' : 'ann';
    await page.tool(`cut-${person}`).click();
    await page.untilState(person, 'offline');
    expect(await page.tool(`cut-${person}`).getAttribute('aria-label')).toMatch(/^Reconnect/);
    await page.write(other, 'Are you there?');
    await page.untilVerdict('wait');
    await page.tool(`cut-${person}`).click();
    await page.untilState(person, 'live');
    await page.untilExact(1, [1, 1]);
    await page.close();
  });

  it('kills the server and restarts it', async () => {
    const page = await open();
    await page.tool('kill').click();
    await page.page.locator('.banner', { hasText: 'kill -9' }).waitFor();
    expect(await page.tool('kill').getAttribute('aria-label')).toBe('Restart server');
    await page.write('bob', 'Written while it is dead');
    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor({ state: 'hidden' });
    await page.untilExact(1, [1, 1]);
    await page.close();
  });

  it('sends many messages at once, also to a server that dies meanwhile, while both sides are cut off', async () => {
    const page = await open();
    await page.tool('cut-ann').click();
    await page.tool('cut-bob').click();
    await page.untilState('bob', 'offline');
    await page.tool('burst').click();
    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor();
    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor({ state: 'hidden' });
    await page.tool('cut-ann').click();
    await page.tool('cut-bob').click();
    await page.untilExact(BURST, [BURST, BURST]);
    await page.close();
  });

  it('adds a device for each person, any of which stands on either side', async () => {
    const page = await open();
    await page.addDevice();
    await page.addDevice();
    expect(await page.tool('device').getAttribute('aria-disabled')).toBe('true');
    await page.choose('left', "Bob's tablet");
    await page.page.locator('.pane[data-side="left"][data-person="bob"]').waitFor();
    expect(await page.tool('cut-ann').getAttribute('aria-label')).toBe('Cut tablet off');
    await page.tool('cut-ann').click();
    await page.side('left').locator('.device-state[data-state="offline"]').waitFor();
    await page.side('right').locator('.device-state[data-state="live"]').waitFor();
    await page.writeOn('right', 'From the phone');
    await page.writeOn('left', 'From the tablet');
    await page.tool('cut-ann').click();
    await page.untilExact(2, [2, 2, 2, 2]);
    // The two sides change places.
    await page.choose('left', "Bob's phone");
    await page.choose('right', "Ann's laptop");
    await page.page.locator('.pane[data-side="right"][data-person="ann"]').waitFor();
    expect(await page.tool('cut-ann').getAttribute('aria-label')).toBe('Cut Ann off');
    await page.writeOn('right', 'Ann on the right');
    await page.untilExact(3, [3, 3, 3, 3]);
    await page.close();
  });

  it('skips past the TTL', async () => {
    const page = await open();
    await page.tool('ttl').click();
    await page.page.locator('.narrator', { hasText: 'slept past the TTL' }).waitFor();
    await page.untilExact(3, [3, 3]);
    await page.tool('inspector').click();
    await page.page.locator('.strip .before-part[data-gone]').first().waitFor();
    await page.close();
  });

  it('opens the inspector, and changes the theme', async () => {
    const page = await open();
    await page.tool('inspector').click();
    await page.page.locator('.strip').nth(2).waitFor();
    await page.tool('inspector').click();
    await page.page.locator('.inspector').waitFor({ state: 'hidden' });
    const theme = () => page.page.locator('html').getAttribute('data-theme');
    const before = await theme();
    await page.page.locator('.views .icon-button').click();
    expect(await theme()).not.toBe(before);
    await page.close();
  });
});
