/** Runs the demo: `timeline-model demo`, `npm run demo`. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { startBackend } from './backends/start.js';
import { ChatProcess } from './chat-process.js';
import { DEFAULT_PORT, type DemoOptions, parseOptions, USAGE } from './options.js';
import { loadPageFiles } from './page-files.js';
import { type Supervisor, type SupervisorOptions, startSupervisor } from './supervisor.js';
import { UsageError } from './usage-error.js';

const WEEK_MS = 7 * 24 * 3_600_000;

export interface RunningDemo {
  readonly url: string;
  readonly chat: ChatProcess;
  close(): Promise<void>;
}

/** `chatFile`: the module of the chat server's process. */
export async function startDemo(options: DemoOptions, chatFile: string): Promise<RunningDemo> {
  const log = options.log === undefined ? undefined : await readLog(options.log);
  const [backend, files] = await Promise.all([startBackend(options.store), loadPageFiles()]);
  const chat = new ChatProcess(chatFile, backend.place);
  try {
    await chat.start();
    const supervisor = await listen(options.port, { backend, chat, files, ttlMs: WEEK_MS });
    const url = `http://localhost:${supervisor.port}`;
    if (log !== undefined) await importInto(url, log);
    const close = async () => {
      await supervisor.close();
      await chat.stop();
      await backend.close();
    };
    return { url, chat, close };
  } catch (error) {
    await chat.kill();
    await backend.close();
    throw error;
  }
}

/** Runs the command, until a signal ends it. Resolves with the exit code. */
export async function runDemo(args: readonly string[], chatFile: string): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(USAGE);
      return 0;
    }
    const demo = await startDemo(options, chatFile);
    process.stdout.write(`timeline-model demo: ${demo.url}\nCtrl-C ends it.\n`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    });
    await demo.close();
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

async function listen(port: number | undefined, options: SupervisorOptions): Promise<Supervisor> {
  try {
    return await startSupervisor(port ?? DEFAULT_PORT, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (port !== undefined) throw new UsageError(`Port ${port} is in use.`);
    return startSupervisor(0, options);
  }
}

async function readLog(path: string): Promise<{ name: string; content: Uint8Array }> {
  try {
    return { name: basename(path), content: await readFile(path) };
  } catch (error) {
    throw new UsageError(`--import ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function importInto(url: string, { name, content }: { name: string; content: Uint8Array }): Promise<void> {
  const target = `${url}/demo/import?name=${encodeURIComponent(name)}`;
  const answer = await fetch(target, { method: 'POST', body: content as never, headers: { 'x-demo': '1' } });
  if (answer.ok) return;
  const { message } = (await answer.json()) as { message: string };
  throw new UsageError(message);
}
