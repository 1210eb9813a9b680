/** A store thread as main runs it, for tests and benches: open, connect, drain, kill, start again. */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createRealEnv } from '../../src/env.ts';
import { createStoreClient } from '../../src/store/store-client.ts';
import type { StoreClient } from '../../src/store/store-client.ts';
import type { StoreCommand, StoreOptions, StoreReport } from '../../src/store/protocol.ts';
import { decodeError } from '../../src/thread/error-codec.ts';
import type { EncodedError } from '../../src/thread/error-codec.ts';
import { toPort } from '../../src/thread/port.ts';

/** A running store thread. */
export interface StoreThread {
  readonly worker: Worker;
  readonly reports: readonly StoreReport[];
  /** The client's end of a new connection. */
  connect(name: string): MessagePort;
  /** A client of this thread, living here. */
  client(name: string): StoreClient;
  drain(name: string): Promise<void>;
  send(command: StoreCommand): void;
  /** Resolves with the next report of a kind, or one that has come already. */
  report(kind: StoreReport['kind']): Promise<StoreReport>;
  close(): Promise<void>;
  /** Ends the thread where it stands. */
  kill(): Promise<void>;
}

/** Starts a store thread and opens its store. Rejects with the error the thread reports. */
export async function startStoreThread(options: StoreOptions): Promise<StoreThread> {
  const worker = new Worker(new URL('../../src/store/store-entry.ts', import.meta.url));
  const exited = once(worker, 'exit');
  const reports: StoreReport[] = [];
  const waiting = new Set<() => void>();
  worker.on('message', (report: StoreReport) => {
    reports.push(report);
    for (const check of waiting) check();
  });
  const find = (matches: (report: StoreReport) => boolean): Promise<StoreReport> =>
    new Promise((resolve) => {
      const check = (): void => {
        const found = reports.find(matches);
        if (!found) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  const send = (command: StoreCommand, transfer: MessagePort[] = []): void => worker.postMessage(command, transfer);
  const connect = (client: string): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    send({ kind: 'connect', client, port: port2 }, [port2]);
    return port1;
  };
  send({ kind: 'open', options });
  const opened = await find(({ kind }) => kind === 'opened' || kind === 'failed');
  if (opened.kind === 'failed') {
    await exited;
    throw decodeError(opened.error as EncodedError);
  }
  return {
    worker,
    reports,
    connect,
    client: (name) => createStoreClient(toPort(connect(name)), createRealEnv()),
    drain: async (client) => {
      send({ kind: 'drain', client });
      await find((report) => report.kind === 'drained' && report.client === client);
    },
    send,
    report: (kind) => find((report) => report.kind === kind),
    close: async () => {
      send({ kind: 'close' });
      await exited;
    },
    kill: async () => {
      await worker.terminate();
    },
  };
}
