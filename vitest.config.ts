import { defineConfig } from 'vitest/config';

const project = (name: string, settings: { testTimeout: number; fileParallelism?: boolean; groupOrder?: number }) => ({
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
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
      project('contract', { testTimeout: 20_000 }),
      project('integration', { testTimeout: 60_000, groupOrder: 1 }),
      // Alone on the machine: it kills processes and measures how long the rest took to notice.
      project('chaos', { testTimeout: 180_000, fileParallelism: false, groupOrder: 2 }),
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
