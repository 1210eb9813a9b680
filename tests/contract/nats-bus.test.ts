/** The contract of the bus, kept beside real NATS servers. Each test has a namespace of its own on the server of its file. */
import { afterAll, beforeAll, describe } from 'vitest';
import { createTestSystem, eventually } from '../support/harness.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';
import { busContract } from './bus.ts';
import type { BusFixture } from './bus.ts';

const ACTORS = new URL('../support/actors-topics.ts', import.meta.url);

let namespaces = 0;

describe.each(NATS_VERSIONS.map((version) => ({ version })))('with server $version', ({ version }) => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer({ version });
  });
  afterAll(() => server.stop());

  const open = async (): Promise<BusFixture> => {
    const nats = { servers: server.url, namespace: `contract-${++namespaces}` };
    const options = { actors: [ACTORS], threads: 0, nats };
    const troupe = await createTestSystem(options);
    const other = await createTestSystem({ ...options, store: 'memory' });
    return {
      get system() {
        return troupe.system;
      },
      other: other.system,
      until: eventually,
      run: (promise) => promise,
      restart: async () => void (await troupe.restart()),
      [Symbol.asyncDispose]: async () => {
        await troupe[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
      },
    };
  };

  busContract(`NATS ${version}`, open, { runs: 2 });
});
