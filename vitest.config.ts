import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    // Most files wait for processes that they started, so one worker for each core would leave cores idle.
    maxWorkers: availableParallelism() + 1,
    // No file mocks modules or changes what others import, and loading everything anew for each file takes longer than many tests.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
