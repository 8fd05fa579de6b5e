#!/usr/bin/env node
/** Runs the emulator as a program: `timeline-model tablestore-emulator [options]`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type EmulatorOptions, startTablestoreEmulator } from './index.js';

const DEFAULT_PORT = 8090;

const USAGE = `Usage: timeline-model tablestore-emulator [options]

  --port <number>        default 8090; 0 for any free port
  --host <address>       default 127.0.0.1
  --instance <name>      default emulator
  --key-id <id>          default emulator
  --key-secret <secret>  default emulator-secret
  --file <path>          keeps all tables over a restart; default: memory only
  --options <path>       JSON file with further options of startTablestoreEmulator
  --version
  --help

\`timeline-model demo --help\` shows the options of the demo.
`;

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  instance: { type: 'string' },
  'key-id': { type: 'string' },
  'key-secret': { type: 'string' },
  file: { type: 'string' },
  options: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Describes an invalid command line. */
class UsageError extends Error {}

async function run([command, ...args]: readonly string[]): Promise<void> {
  if (command === undefined || command === '--help') return void process.stdout.write(USAGE);
  if (command === '--version') return void process.stdout.write(`${version()}\n`);
  if (command !== 'tablestore-emulator') throw new UsageError(`Unknown command: ${command}`);
  const options = emulatorOptions(args);
  if (options === 'help') return void process.stdout.write(USAGE);
  const emulator = await startTablestoreEmulator(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void emulator.close().then(() => process.exit(0)));
  }
  const settings = {
    TABLESTORE_ENDPOINT: emulator.endpoint,
    TABLESTORE_INSTANCE: emulator.instanceName,
    TABLESTORE_ACCESS_KEY_ID: emulator.accessKeyId,
    TABLESTORE_ACCESS_KEY_SECRET: emulator.accessKeySecret,
  };
  process.stdout.write(
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
}

function emulatorOptions(args: readonly string[]): EmulatorOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const given = {
    port: values.port === undefined ? undefined : portOf(values.port),
    host: values.host,
    instanceName: values.instance,
    accessKeyId: values['key-id'],
    accessKeySecret: values['key-secret'],
    file: values.file,
  };
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { port: DEFAULT_PORT, ...(values.options === undefined ? {} : optionsOfFile(values.options)), ...named };
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`Not a port: ${text}`);
  return Number(text);
}

/** Reads the package's version, both from source and from the bundle. */
function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** JSON has no bigint, so `autoIncrement.from` is a decimal string. The emulator checks the other options. */
function optionsOfFile(path: string): EmulatorOptions {
  const parsed = parseFile(path);
  const from: unknown = parsed?.autoIncrement?.from;
  if (typeof from !== 'string' || !/^\d+$/.test(from)) return parsed;
  return { ...parsed, autoIncrement: { ...parsed.autoIncrement, from: BigInt(from) } };
}

function parseFile(path: string): EmulatorOptions {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch (error) {
    throw new UsageError(`--options ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new UsageError(`--options ${path}: must hold one JSON object`);
}

run(process.argv.slice(2)).catch((error: unknown) => {
  const isOption = error instanceof Error && 'code' in error && error.code === 'EMULATOR_INVALID_OPTION';
  const isUsage = error instanceof UsageError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${isUsage ? `\n${USAGE}` : ''}`);
  process.exitCode = isUsage || isOption ? 2 : 1;
});
