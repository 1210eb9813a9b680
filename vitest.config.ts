import { defineConfig } from 'vitest/config';

interface Settings {
  readonly testTimeout: number;
  readonly fileParallelism?: boolean;
  readonly groupOrder?: number;
  readonly globalSetup?: string;
}

// Finds the NATS servers once, or fetches them, outside of every test's time.
const globalSetup = 'tests/support/nats-global.ts';

const project = (name: string, settings: Settings) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    ...(settings.globalSetup && { globalSetup: settings.globalSetup }),
    testTimeout: settings.testTimeout,
    hookTimeout: settings.testTimeout,
    fileParallelism: settings.fileParallelism ?? true,
    sequence: { groupOrder: settings.groupOrder ?? 0 },
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    teardownTimeout: 10_000,
    projects: [
      project('unit', { testTimeout: 10_000 }),
      project('contract', { testTimeout: 20_000, globalSetup }),
      project('integration', { testTimeout: 60_000, groupOrder: 1, globalSetup }),
      // Alone on the machine: it kills processes and measures how long the rest took to notice.
      project('chaos', { testTimeout: 180_000, fileParallelism: false, groupOrder: 2, globalSetup }),
      {
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['tests/types/**/*.test.ts'], tsconfig: './tsconfig.json' },
        },
      },
    ],
  },
});
