import type { Browser, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../../support/until.js';

/** Long enough for a machine that runs other tests at the same time. */
const PATIENCE_MS = 120_000;

export interface Figures {
  readonly sent: string;
  readonly devices: readonly string[];
  readonly lost: string;
  readonly repeated: string;
  readonly outOfOrder: string;
}

export type Person = 'ann' | 'bob';

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
  readonly query?: string;
}

/** The page's `timelineDemo`, as far as tests use it. */
interface CountingApp {
  readonly devices: readonly { readonly id: string; readonly hasBeenLive: boolean }[];
  readonly counter: { count(): { readonly devices: ReadonlyMap<string, unknown> } };
}

/** The demo's page in a browser of its own. */
export class DemoPage {
  readonly page: Page;
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.errors.push(String(error.stack ?? error)));
  }

  static async open(browser: Browser, url: string, options: OpenOptions = {}): Promise<DemoPage> {
    const { width = 1440, height = 900, theme = 'light', query = 'quiet' } = options;
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    const demo = new DemoPage(await context.newPage());
    await demo.page.goto(`${url}/?${query}`);
    await demo.untilLive();
    return demo;
  }

  pane(person: Person): Locator {
    return this.page.locator(`.pane[data-person="${person}"]`);
  }

  side(side: 'left' | 'right'): Locator {
    return this.page.locator(`.pane[data-side="${side}"]`);
  }

  /** Puts a device on a side: "Bob's tablet". */
  async choose(side: 'left' | 'right', device: string): Promise<void> {
    await this.side(side).locator(`.device-switch [title="${device}"]`).click();
  }

  tool(id: string): Locator {
    return this.page.locator(`.toolbar [data-tool="${id}"], .views [data-tool="${id}"]`);
  }

  rows(person: Person): Locator {
    return this.pane(person).locator('.row');
  }

  async write(person: Person, text: string): Promise<void> {
    await submit(this.pane(person), text);
  }

  async writeOn(side: 'left' | 'right', text: string): Promise<void> {
    await submit(this.side(side), text);
  }

  async untilState(person: Person, state: 'live' | 'offline'): Promise<void> {
    await this.pane(person).locator(`.device-state[data-state="${state}"]`).waitFor({ state: 'attached' });
  }

  async untilShown(person: Person, text: string): Promise<void> {
    await this.rows(person).filter({ hasText: text }).first().waitFor();
  }

  async untilLive(): Promise<void> {
    for (const person of ['ann', 'bob'] as const) await this.untilState(person, 'live');
    await this.pane('ann').locator('.row').first().waitFor({ state: 'attached' });
    await this.untilCounting();
  }

  /** Adds a device, and waits until it counts. */
  async addDevice(): Promise<void> {
    await this.tool('device').click();
    await this.untilCounting();
  }

  /** Until each device is in the counter: what it gets before is not counted. */
  async untilCounting(): Promise<void> {
    const areCounted = () =>
      this.page.evaluate(() => {
        const { app } = (globalThis as unknown as { timelineDemo: { app: CountingApp } }).timelineDemo;
        const { devices } = app.counter.count();
        return app.devices.every(({ id, hasBeenLive }) => hasBeenLive && devices.has(id));
      });
    await until('all devices are counted', areCounted, PATIENCE_MS);
  }

  async verdict(): Promise<string> {
    return (await this.page.locator('.verdict .says').textContent()) ?? '';
  }

  async untilVerdict(kind: 'ok' | 'wait' | 'bad'): Promise<void> {
    await this.page.locator(`.counter[data-verdict="${kind}"]`).waitFor({ state: 'attached' });
  }

  async figures(): Promise<Figures> {
    const value = async (figure: string) =>
      (await this.page.locator(`[data-figure="${figure}"] .value`).textContent()) ?? '';
    const devices = await this.page.locator('.figure[data-person] .value').allTextContents();
    const [sent, lost, repeated, outOfOrder] = await Promise.all(
      ['sent', 'lost', 'repeated', 'out-of-order'].map(value),
    );
    return { sent: sent!, devices, lost: lost!, repeated: repeated!, outOfOrder: outOfOrder! };
  }

  /** Waits until as many are sent, and each device has got as many: none lost, repeated or out of order. */
  async untilExact(sent: number, received: readonly number[]): Promise<void> {
    const wanted: Figures = {
      sent: sent.toLocaleString('en-GB'),
      devices: received.map((number) => number.toLocaleString('en-GB')),
      lost: '0',
      repeated: '0',
      outOfOrder: '0',
    };
    let figures = await this.figures();
    const isExact = async () => {
      figures = await this.figures();
      return JSON.stringify(figures) === JSON.stringify(wanted);
    };
    await until('the counter is exact', isExact, PATIENCE_MS).catch(() => expect(figures).toEqual(wanted));
    await this.untilVerdict('ok');
    expect(await this.verdict()).toBe('Nothing lost. Nothing twice. In order.');
  }

  /** SeqIds along the gutter, from top to bottom, of the rows in the document. */
  async seqIds(person: Person): Promise<string[]> {
    return this.rows(person).locator('.gutter span').allTextContents();
  }

  /** Makes Bob's phone hand over the next messages with a fault. */
  async armFault(fault: 'lost' | 'repeated' | 'out-of-order'): Promise<void> {
    await this.page.evaluate((name) => {
      const { timelineDemo } = globalThis as unknown as {
        timelineDemo: { app: { devices: { armFault(fault: string): void }[] } };
      };
      timelineDemo.app.devices[1]!.armFault(name);
    }, fault);
  }

  async close(): Promise<void> {
    await this.page.context().close();
    expect(this.errors).toEqual([]);
  }
}

async function submit(pane: Locator, text: string): Promise<void> {
  const field = pane.locator('textarea');
  await field.fill(text);
  await field.press('Enter');
}
