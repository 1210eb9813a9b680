/** Runs worker hosts and the store in worker threads. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort, TransferListItem } from 'node:worker_threads';
import type { StoreCommand, StoreReport } from '../store/protocol.ts';
import { entryUrl } from './entry.ts';
import type { ChannelEnd, Launcher } from './launcher.ts';
import { toPort } from './port.ts';
import type { HostCommand, HostReport, ThreadEnd } from './protocol.ts';

/** What a worker thread is started with. */
export interface ThreadLauncherOptions {
  /** The most its heap may take, in MB; beyond it the thread ends. */
  readonly maxHeapMb: number;
}

/** The launcher of a system with threads. */
export function createThreadLauncher({ maxHeapMb }: ThreadLauncherOptions): Launcher {
  return {
    createChannel: () => {
      const { port1, port2 } = new MessageChannel();
      return [port1, port2];
    },
    open: (end) => toPort(end as MessagePort),
    launchHost: (options, ends, events) => {
      const worker = new Worker(entryUrl('worker-entry'), {
        name: `troupe-worker-${options.index}`,
        resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      });
      watchExit(worker, (error, end) => events.exit(error, end));
      worker.on('message', (report: HostReport) => events.report(report));
      const command = (message: HostCommand, ...ports: ChannelEnd[]): void =>
        worker.postMessage({ ...message, ports }, ports as TransferListItem[]);
      command({ kind: 'start', options }, ends.main, ends.store);
      return {
        connectPeer: (index, end) => command({ kind: 'peer', index }, end),
        route: (address, index) => command({ kind: 'route', address, index }),
        reconnectStore: (end) => command({ kind: 'store' }, end),
        stop: () => command({ kind: 'stop' }),
        terminate: async () => void (await worker.terminate()),
      };
    },
    launchStore: (options, events) => {
      const worker = new Worker(entryUrl('../store/store-entry'), { name: 'troupe-store' });
      watchExit(worker, events.exit);
      worker.on('message', (report: StoreReport) => events.report(report));
      const command = (message: StoreCommand, ports: readonly TransferListItem[] = []): void =>
        worker.postMessage(message, ports);
      command({ kind: 'open', options });
      return {
        connect: (client, end) => command({ kind: 'connect', client, port: end as MessagePort }, [end as MessagePort]),
        drain: (client) => command({ kind: 'drain', client }),
        close: () => command({ kind: 'close' }),
        terminate: async () => void (await worker.terminate()),
      };
    },
  };
}

/** Calls `exit` once, with the error that ended the thread when there was one. */
function watchExit(worker: Worker, exit: (error: unknown, end: ThreadEnd) => void): void {
  let failure: { readonly error: unknown } | undefined;
  worker.on('error', (error) => {
    failure = { error };
  });
  worker.on('exit', (code) => {
    if (failure) return exit(failure.error, isOutOfMemory(failure.error) ? 'memory' : 'error');
    exit(code === 0 ? undefined : new Error(`The thread exited with code ${code}.`), 'exit');
  });
}

function isOutOfMemory(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
