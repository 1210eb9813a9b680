/** The other end of `bench/baselines-port.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EchoMode } from './baselines-port.ts';

const mode = workerData as EchoMode;
let left = 0;
let seen = 0;

parentPort?.on('message', (message: unknown) => {
  if (mode === 'echo') return parentPort?.postMessage(message);
  if (isAnnouncement(message)) left = message.batches;
  else take(message);
});
parentPort?.postMessage('ready');

/** Looks at every event, so that none is decoded lazily. */
function take(message: unknown): void {
  const events = (mode === 'batches-json' ? JSON.parse(message as string) : message) as readonly {
    event: { n: number };
  }[];
  for (const { event } of events) seen += event.n;
  if (--left === 0) parentPort?.postMessage(seen);
}

function isAnnouncement(message: unknown): message is { readonly batches: number } {
  return typeof message === 'object' && message !== null && 'batches' in message;
}
