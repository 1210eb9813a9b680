/** Several NATS servers that replicate their streams. */
import { setTimeout as sleep } from 'node:timers/promises';
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

interface MetaCluster {
  readonly leader?: string;
  /** All but the server itself, as far as it knows. The leader knows. */
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
}

const LEADER_TIMEOUT_MS = 30_000;
const LEADER_POLL_MS = 20;

/**
 * Starts a cluster and resolves when all of it follows one leader, so that streams can be placed on every server. Two
 * servers are no majority once one is gone.
 */
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
    await agreed(servers);
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, urls: servers.map((server) => server.url), stop, [Symbol.asyncDispose]: stop };
}

/** Resolves when all servers name one leader, and the leader has all the others with it. */
async function agreed(servers: readonly NatsServer[]): Promise<void> {
  const giveUpAt = performance.now() + LEADER_TIMEOUT_MS;
  for (;;) {
    const views = await Promise.all(servers.map(viewOf));
    const leader = views[0]?.leader;
    const known = views[servers.findIndex(({ name }) => name === leader)]?.replicas ?? [];
    const isTogether =
      known.length === servers.length - 1 && known.every(({ current, offline }) => current && !offline);
    if (isTogether && views.every((view) => view.leader === leader)) return;
    if (performance.now() > giveUpAt) throw new Error(`The NATS servers follow no leader: ${JSON.stringify(views)}`);
    await sleep(LEADER_POLL_MS);
  }
}

async function viewOf({ monitorUrl }: NatsServer): Promise<MetaCluster> {
  const response = await fetch(`${monitorUrl}/jsz`, { signal: AbortSignal.timeout(LEADER_TIMEOUT_MS) });
  return ((await response.json()) as { meta_cluster?: MetaCluster }).meta_cluster ?? {};
}
