import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Store } from './options.js';

const FILE = join(import.meta.dirname, 'RESULTS.md');
const TITLE = '# Results';
const MANIFESTS = join(import.meta.dirname, '../../node_modules');

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export function markdownOf({ columns, rows }: Table): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Measures each store. One that fails has a row that says so, and is a fault. */
export async function rowsOf(
  name: string,
  stores: readonly Store[],
  measure: (store: Store) => Promise<readonly string[]>,
): Promise<{ rows: string[][]; faults: string[] }> {
  const rows: string[][] = [];
  const faults: string[] = [];
  for (const store of stores) {
    try {
      rows.push([store, ...(await measure(store))]);
    } catch (error) {
      rows.push([store, 'failed']);
      faults.push(`${name}, ${store}: ${(error as Error).message}`);
    }
    console.log(`${name}, ${rows.at(-1)?.join(', ')}`);
  }
  return { rows, faults };
}

/** Machine, versions and options of a measurement: `packages` are named with their versions. */
export function setting(command: string, packages: readonly string[]): string {
  const versions = packages.map((name) => {
    const { version } = JSON.parse(readFileSync(join(MANIFESTS, name, 'package.json'), 'utf8'));
    return `${name} ${version}`;
  });
  const machine = `${cpus().length} × ${cpus()[0]?.model}`;
  const all = [machine, `Node ${process.version}`, `redis-server ${redisVersion()}`, ...versions];
  const day = new Date().toISOString().slice(0, 10);
  return `${wrapped(`${day}, ${all.join(', ')}.`)}\n\n\`${command}\``;
}

/** Replaces the section of that title, and leaves the others. */
export function writeSection(title: string, text: string): void {
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  const sections = before.split(/^## /m).slice(1);
  const others = sections.filter((section) => !section.startsWith(`${title}\n`)).map((section) => `## ${section}`);
  const all = [...others, `## ${title}\n\n${text}\n`].sort();
  writeFileSync(FILE, `${[TITLE, ...all.map((section) => section.trim())].join('\n\n')}\n`);
}

const COLUMNS = 120;

export function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line !== '' && line.length + word.length >= COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

function redisVersion(): string {
  const [, version = 'of an unknown version'] =
    /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' })) ?? [];
  return version;
}
