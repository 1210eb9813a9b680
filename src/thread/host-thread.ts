/** A worker thread that runs a host, or waits for one to run. */
import { Worker } from 'node:worker_threads';
import type { TransferListItem } from 'node:worker_threads';
import { entryUrl } from './entry.ts';
import type { ChannelEnd, HostEvents } from './launcher.ts';
import type { HostCommand, HostReport, ThreadEnd } from './protocol.ts';

export interface HostThreadOptions {
  readonly name: string;
  /** The most its heap may take, in MB; beyond it the thread ends. */
  readonly maxHeapMb: number;
}

export class HostThread {
  readonly #worker: Worker;
  /** Who hears of it now. */
  events: HostEvents = { report: () => {}, exit: () => {} };

  constructor({ name, maxHeapMb }: HostThreadOptions) {
    const resourceLimits = { maxOldGenerationSizeMb: maxHeapMb };
    this.#worker = new Worker(entryUrl('worker-entry'), { name, resourceLimits });
    watchExit(this.#worker, (error, end) => this.events.exit(error, end));
    this.#worker.on('message', (report: HostReport) => this.events.report(report));
  }

  command(message: HostCommand, ...ports: ChannelEnd[]): void {
    this.#worker.postMessage({ ...message, ports }, ports as TransferListItem[]);
  }

  /** Whether it keeps the process from ending. */
  set isHolding(isHolding: boolean) {
    if (isHolding) this.#worker.ref();
    else this.#worker.unref();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Calls `exit` once, with the error that ended the thread when there was one, and how that looks from outside. */
export function watchExit(worker: Worker, exit: (error: unknown, end: ThreadEnd) => void): void {
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
