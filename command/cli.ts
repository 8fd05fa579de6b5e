#!/usr/bin/env node
/** The command `timeline-model`: the demo, or a program of the emulator. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [command, ...args] = process.argv.slice(2);
if (command === 'demo') {
  const { runDemo } = await import('../demo/server/run.js');
  process.exitCode = await runDemo(args, chatFile());
} else await import('../emulator/cli.js');

/** The chat server's module, built or as source. */
function chatFile(): string {
  const built = fileURLToPath(new URL('./demo-chat.js', import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL('../demo/server/chat/main.ts', import.meta.url));
}
