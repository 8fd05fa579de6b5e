import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launch } from '../support/browser.js';
import { nightly } from '../support/nightly.js';
import { until } from '../support/until.js';
import { DemoPage } from './support/demo-page.js';
import { longestTask } from './support/long-tasks.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';
import { violationsOn } from './support/violations.js';

const PATIENCE_MS = 240_000;
const LINES = 5000;

describe.skipIf(!nightly || chromiumPath === undefined)('the demo, every part', { timeout: 600_000 }, () => {
  let folder: string;
  let demo: RunningDemo;
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'timeline-demo-test-'));
    const log = join(folder, 'long.txt');
    const lines = Array.from(
      { length: LINES },
      (_, i) => `[10:${String(i % 60).padStart(2, '0')}] <maja> line ${i + 1}`,
    );
    writeFileSync(log, lines.join('\n'));
    [demo, browser] = await Promise.all([startDemo('--store', 'sqlite', '--import', log), launch()]);
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a burst that the server does not survive arrives whole, once and in order', async () => {
    const page = await DemoPage.open(browser, demo.url, { query: 'quiet&burst=100' });
    await page.tool('burst').click();
    await until('some are sent', async () => Number((await page.figures()).sent) > 20, PATIENCE_MS);
    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor();
    await page.tool('cut-bob').click();
    await page.tool('kill').click();
    await page.tool('cut-bob').click();
    await page.untilExact(100, [100, 100]);
    await page.close();
  });

  it('edits, recalls, reactions, typing and ticks reach the other side', async () => {
    const page = await DemoPage.open(browser, demo.url);
    await page.pane('ann').locator('textarea').pressSequentially('Shall we', { delay: 20 });
    await page.pane('bob').locator('.below-thread', { hasText: 'Ann is typing' }).waitFor();
    await page.write('ann', 'Shall we go at noon?');
    await page.untilShown('bob', 'Shall we go at noon?');
    const row = page.rows('bob').filter({ hasText: 'Shall we go at noon?' });
    await row.hover();
    await row.locator('.actions button').first().click();
    await page.rows('ann').filter({ hasText: 'noon' }).locator('.chip').waitFor();
    await page.rows('ann').filter({ hasText: 'noon' }).locator('[data-tick="read"]').waitFor();
    await page.pane('ann').locator('textarea').press('ArrowUp');
    await page.write('ann', 'Shall we go at one?');
    await page.rows('bob').filter({ hasText: 'edited' }).filter({ hasText: 'at one?' }).waitFor();
    const own = page.rows('ann').filter({ hasText: 'at one?' });
    await own.hover();
    await own.locator('.actions button', { hasText: 'Recall' }).click();
    await page.rows('bob').filter({ hasText: 'Ann recalled this message' }).last().waitFor();
    await page.untilExact(1, [1, 1]);
    await page.close();
  });

  it.each([
    ['lost', 'never reached Bob'],
    ['repeated', 'got'],
    ['out-of-order', 'came late to Bob'],
  ] as const)('shows one entry %s, red, until it counts afresh', async (fault, words) => {
    const page = await DemoPage.open(browser, demo.url);
    await page.armFault(fault);
    for (const text of ['One', 'Two', 'Three']) {
      await page.write('ann', text);
      await page
        .rows('ann')
        .filter({ hasText: text })
        .last()
        .locator('[data-tick]:not([data-tick="waiting"])')
        .waitFor();
    }
    await page.untilVerdict('bad');
    expect(await page.verdict()).toMatch(new RegExp(`^1 .*${words}`));
    const figures = await page.figures();
    expect([figures.lost, figures.repeated, figures.outOfOrder].filter((figure) => figure === '1')).toHaveLength(1);
    await page.page.locator('.verdict button', { hasText: 'Count afresh' }).click();
    await page.write('ann', 'Afresh');
    await page.untilExact(1, [1, 1]);
    await page.close();
  });

  it('scrolls through 5,000 messages of a log, in order, with few rows in the document', async () => {
    const page = await DemoPage.open(browser, demo.url);
    await page.pane('ann').locator('[data-conversation="group:log"]').click();
    await page.untilShown('ann', `line ${LINES}`);
    const seen = new Set<number>();
    const list = page.pane('ann').locator('.messages');
    let oldest = Number.POSITIVE_INFINITY;
    const isAtStart = async () => {
      const ids = (await page.seqIds('ann')).map(Number);
      expect(ids.length).toBeLessThan(80);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      // The list stays in its place while older messages come before it.
      expect(ids[0]).toBeLessThanOrEqual(oldest);
      oldest = ids[0]!;
      for (const id of ids) seen.add(id);
      await list.evaluate((element) => {
        element.scrollTop -= element.clientHeight * 0.8;
      });
      return seen.size >= LINES;
    };
    await until('the first line is shown', isAtStart, 2 * PATIENCE_MS);
    expect(seen.size).toBe(LINES);
    await page.close();
  });

  it('runs no task above 50 ms while a thousand messages arrive', async () => {
    const page = await DemoPage.open(browser, demo.url);
    const burst = Array.from({ length: 1000 }, (_, i) => `[11:00] <oskar> more ${i + 1}`).join('\n');
    await page.pane('ann').locator('[data-conversation="group:log"]').click();
    await page.untilShown('ann', `line ${LINES}`);
    const longest = await longestTask(browser, page.page, async () => {
      const options = { method: 'POST', headers: { 'x-demo': '1' }, body: burst };
      await fetch(`${demo.url}/demo/import?name=burst.txt`, options);
      await page.untilShown('bob', 'more 1000');
    });
    expect(longest).toBeLessThan(50);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('axe finds nothing in any state, %s', async (theme) => {
    const page = await DemoPage.open(browser, demo.url, { theme });
    const check = async (state: string) => expect([state, ...(await violationsOn(page.page))]).toEqual([state]);
    await check('live');
    await page.rows('bob').last().hover();
    await check('actions');
    await page.tool('inspector').click();
    await page.page.locator('.strip').nth(2).waitFor();
    await check('inspector');
    await page.tool('cut-ann').click();
    await page.pane('ann').locator('.device-state[data-state="offline"]').waitFor();
    await page.write('ann', 'This waits');
    await check('offline');
    await page.tool('kill').click();
    await page.page.locator('.banner').waitFor();
    await check('killed');
    await page.tool('kill').click();
    await page.tool('cut-ann').click();
    await page.untilExact(1, [1, 1]);
    await page.tool('inspector').click();
    await page.armFault('repeated');
    await page.write('ann', 'Twice');
    await page.untilVerdict('bad');
    await check('fault');
    await page.pane('ann').locator('[data-conversation="channel:releases"]').click();
    await page.page.locator('[data-figure="readers"]').waitFor();
    await check('channel');
    await page.pane('ann').locator('[data-conversation="group:new"]').click();
    await page.pane('ann').locator('.thread-empty').waitFor();
    await check('empty');
    await page.page.setViewportSize({ width: 1024, height: 768 });
    await check('1024 wide');
    await page.page.setViewportSize({ width: 390, height: 844 });
    await check('390 wide');
    await page.page.locator('.break-it').click();
    await check('sheet');
    await page.close();
  });
});
