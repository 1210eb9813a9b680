/** Runs worker hosts and the store in worker threads. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort, TransferListItem } from 'node:worker_threads';
import type { Env } from '../env.ts';
import type { StoreCommand, StoreReport } from '../store/protocol.ts';
import { entryUrl } from './entry.ts';
import { HostThread, watchExit } from './host-thread.ts';
import type { HostEvents, LaunchedHost, LaunchedStore, Launcher, StoreEvents } from './launcher.ts';
import { toPort } from './port.ts';
import { SpareThread } from './spare-thread.ts';

/** What worker threads are started with. */
export interface ThreadLauncherOptions {
  readonly env: Env;
  /** The most the heap of one may take, in MB; beyond it the thread ends. */
  readonly maxHeapMb: number;
  /** Time the thread in reserve may take to load, in milliseconds. */
  readonly loadMs: number;
  /** Called when the thread in reserve is lost; nothing where there is to be none. */
  readonly spareLost?: ((error: unknown) => void) | undefined;
}

/** The launcher of a system with threads. */
export function createThreadLauncher({ env, maxHeapMb, loadMs, spareLost }: ThreadLauncherOptions): Launcher {
  const startNamed = (name: string): HostThread => new HostThread({ name, maxHeapMb });
  const spare = spareLost && new SpareThread({ env, loadMs, start: () => startNamed('troupe-spare'), lost: spareLost });
  return {
    createChannel: () => {
      const { port1, port2 } = new MessageChannel();
      return [port1, port2];
    },
    open: (end) => toPort(end as MessagePort),
    launchHost: (options, ends, events) => {
      const thread = spare?.take() ?? startNamed(`troupe-worker-${options.index}`);
      const launched = launchHost(thread, events);
      thread.command({ kind: 'start', options }, ends.main, ends.store);
      return launched;
    },
    launchStore: (options, events) => {
      const worker = new Worker(entryUrl('../store/store-entry'), { name: 'troupe-store' });
      const launched = launchStore(worker, events);
      worker.postMessage({ kind: 'open', options } satisfies StoreCommand);
      return launched;
    },
    spare,
  };
}

function launchHost(thread: HostThread, events: HostEvents): LaunchedHost {
  thread.events = events;
  return {
    connectPeer: (index, end) => thread.command({ kind: 'peer', index }, end),
    route: (address, index) => thread.command({ kind: 'route', address, index }),
    reconnectStore: (end) => thread.command({ kind: 'store' }, end),
    stop: () => thread.command({ kind: 'stop' }),
    terminate: () => thread.terminate(),
  };
}

function launchStore(worker: Worker, events: StoreEvents): LaunchedStore {
  watchExit(worker, (error) => events.exit(error));
  worker.on('message', (report: StoreReport) => events.report(report));
  const command = (message: StoreCommand, ports: readonly TransferListItem[] = []): void =>
    worker.postMessage(message, ports);
  return {
    connect: (client, end) => command({ kind: 'connect', client, port: end as MessagePort }, [end as MessagePort]),
    drain: (client) => command({ kind: 'drain', client }),
    close: () => command({ kind: 'close' }),
    terminate: async () => void (await worker.terminate()),
  };
}
