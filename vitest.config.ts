import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    setupFiles: 'test/support/real-timers.ts',
    // Only what those files import. `npm run check` compiles all.
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: './test/tsconfig.types.json' },
    // Most files wait for processes that they started, so one worker for each core would leave cores idle.
    maxWorkers: availableParallelism() + 2,
    // No file mocks modules. Loading all of them again for each file takes longer than many tests. A file that fakes
    // timers has to restore them: the next file in its worker would wait for ever.
    isolate: false,
    // Most of what tests allocate lives for one call: more room for it spares the collector a part of its work.
    execArgv: ['--max-semi-space-size=32'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
