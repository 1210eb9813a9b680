/**
 * Who may import what, as data: the layers of docs/architecture.md. Arrows point inwards: adapters import ports, and
 * only the composition roots import adapters. A pattern is a path from the root of the repository: `*` stands for
 * anything but a slash, `**` for anything.
 */

/** Files that put the parts together: they may import adapters. `open-store.ts` does so inside the store thread. */
const COMPOSITION_ROOTS = [
  'src/system/**',
  'src/**/*-entry.ts',
  'src/store/open-store.ts',
  'src/testing.ts',
  'src/testing/**',
  'src/cli/**',
];

/** Products, each with the only files that may import it, not even for its types. */
export const PRODUCTS = [
  { name: 'better-sqlite3', files: ['src/store/sqlite/**'] },
  { name: 'pino', files: ['src/observe/log.ts'] },
  { name: 'piscina', files: ['src/pool/piscina-pool.ts', 'src/pool/pool-entry.ts'] },
  { name: '@nats-io/transport-node', files: ['src/nats/nats-client.ts', 'src/nats/connect-options.ts'] },
  { name: '@nats-io/jetstream', files: ['src/nats/jetstream.ts', 'src/nats/jetstream-*.ts'] },
  { name: '@nats-io/kv', files: ['src/nats/jetstream.ts'] },
  { name: 'yaml', files: ['src/bus/policies-yaml.ts'] },
  { name: 'commander', files: ['src/cli/**'] },
];

/** Files of ours that wrap a product or stand for one, with those that may import them. */
export const ADAPTERS = [
  { files: ['src/store/sqlite/**'], importers: ['src/store/sqlite/**', ...COMPOSITION_ROOTS] },
  {
    files: ['src/store/memory.ts', 'src/store/memory/**'],
    importers: ['src/store/memory/**', 'src/store/file/**', ...COMPOSITION_ROOTS],
  },
  { files: ['src/store/file/**'], importers: ['src/store/file/**', ...COMPOSITION_ROOTS] },
  { files: ['src/pool/piscina-pool.ts', 'src/pool/inline-pool.ts'], importers: COMPOSITION_ROOTS },
  {
    files: ['src/nats/nats-client.ts', 'src/nats/jetstream.ts'],
    importers: ['src/nats/nats-client.ts', ...COMPOSITION_ROOTS],
  },
];

/** Folders with a closed list of what their code may load. Types are free. */
export const CLOSED_FOLDERS = [
  {
    files: ['src/actor/**', 'src/cell/**'],
    packages: ['xstate', 'zod'],
    closedModules: ['node:worker_threads'],
    closedFiles: ['src/system/**'],
  },
  {
    files: ['src/state/**', 'src/supervision/**'],
    packages: ['xstate'],
    closedModules: ['node:worker_threads'],
    closedFiles: ['src/system/**'],
  },
  {
    files: ['src/health/**'],
    packages: ['xstate', 'zod'],
    closedModules: ['node:worker_threads'],
    closedFiles: ['src/system/**'],
  },
  {
    files: ['machines/**'],
    packages: ['xstate'],
    closedModules: ['node:*'],
    openFiles: ['machines/**', 'src/index.ts', 'src/actor/effects.ts', 'src/actor/from-effect.ts'],
  },
];
