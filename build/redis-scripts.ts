import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const adapter = fileURLToPath(new URL('../adapters/redis', import.meta.url));
const scripts = join(adapter, 'scripts');

/** The TypeScript that holds the Lua scripts: bundlers, loaders and Node import it without knowing of Lua. */
export const OUTPUT = join(adapter, 'scripts.generated.ts');

const INCLUDE = /^--include (\S+)$/;

const HEADER = `// Made of scripts/*.lua by \`npm run build:lua\`: change those.
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
`;

/** The text of {@link OUTPUT}. A Lua file that another one includes is a fragment; each of the others is a script. */
export function generateScripts(): string {
  const files = readdirSync(scripts)
    .filter((name) => name.endsWith('.lua'))
    .sort()
    .map((name) => join(scripts, name));
  const fragments = new Set(files.flatMap(fragmentsOf));
  const constants = [...fragments].map((file) => `const ${nameOf(file)} = ${literal(file)};\n`);
  const exported = files
    .filter((file) => !fragments.has(file))
    .map((file) => `export const ${nameOf(file)} = script(${literal(file)});\n`);
  return [HEADER, ...constants, ...exported].join('\n');
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

function includesOf(file: string): string[] {
  return linesOf(file).flatMap((line) => {
    const name = INCLUDE.exec(line)?.[1];
    return name === undefined ? [] : [join(dirname(file), name)];
  });
}

/** Each behind those that it includes. */
function fragmentsOf(file: string): string[] {
  return includesOf(file).flatMap((included) => [...fragmentsOf(included), included]);
}

/** The file as a template literal, without comments: the server does not need them. */
function literal(file: string): string {
  const lines = linesOf(file).flatMap((line) => {
    const name = INCLUDE.exec(line)?.[1];
    if (name !== undefined) return [`\${${nameOf(join(dirname(file), name))}}`];
    return /^\s*(?:--.*)?$/.test(line) ? [] : [line.replace(/[\\`]|\$(?=\{)/g, '\\$&')];
  });
  return `\`${lines.join('\n')}\``;
}

function nameOf(file: string): string {
  return basename(file, '.lua').replaceAll('-', '_').toUpperCase();
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(OUTPUT, generateScripts());
  console.log(`wrote ${relative('.', OUTPUT)}`);
}
