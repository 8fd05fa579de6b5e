/** `npm run demo`. */
import { fileURLToPath } from 'node:url';
import { runDemo } from './server/run.js';

process.exitCode = await runDemo(
  process.argv.slice(2),
  fileURLToPath(new URL('./server/chat/main.ts', import.meta.url)),
);
