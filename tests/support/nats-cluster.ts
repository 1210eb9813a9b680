/** Several NATS servers that replicate their streams. */
import { freePort } from './nats-port.ts';
import { createNatsServer } from './nats-server.ts';
import type { NatsOptions, NatsServer } from './nats-server.ts';

/** Servers of one cluster. Each can be killed and started again on its own. */
export interface NatsClusterHandle extends AsyncDisposable {
  readonly servers: readonly NatsServer[];
  /** Of all servers, for a client that may go to any. */
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

/** Starts a cluster and resolves when JetStream has a leader in it. Two servers are no majority once one is gone. */
export async function startNatsCluster(
  size: 2 | 3,
  options: Omit<NatsOptions, 'port' | 'storeDir'> = {},
): Promise<NatsClusterHandle> {
  const routePorts = await Promise.all(Array.from({ length: size }, freePort));
  const servers = await Promise.all(
    routePorts.map(async (port, index) => {
      const cluster = { name: 'tests', port, ports: routePorts };
      return createNatsServer(options, { name: `test-${index}`, port: await freePort(), cluster });
    }),
  );
  const stop = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.stop())));
  try {
    await Promise.all(servers.map((server) => server.launch()));
    await Promise.all(servers.map((server) => server.healthy()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, urls: servers.map((server) => server.url), stop, [Symbol.asyncDispose]: stop };
}
