import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Path of Chromium; `undefined` if there is none. With `CI=true` its absence is an error. */
export const chromiumPath = find();

function find(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // The next name.
    }
  }
  if (process.env.CI === 'true') throw new Error('the tests in a browser need chromium');
  console.warn('no chromium: the tests in a browser are skipped');
  return undefined;
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: chromiumPath!, args: ARGUMENTS });
