/** What ports between threads can do at most: the limits of tells and asks. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { measure, measureBulk } from './measure.ts';
import type { Figure } from './measure.ts';

/** What the other thread does with what it gets: give it back, or give back one message for each `count` of events. */
export type EchoMode = 'echo' | 'batches-clone' | 'batches-json';

const BATCH = 64;

/** Events as long as a tell of the measurements. Each is an object of its own: a clone copies what comes twice only once. */
const EVENTS = Array.from({ length: BATCH }, (_, n) => ({
  k: 'tell',
  to: `volatile-counter/v${1_000 + n}`,
  event: { type: 'ADD', n },
}));

/** One message there and back, one at a time. */
export function benchRoundTrip(trips: number): Promise<Figure> {
  return withEcho('echo', async (worker) => {
    let settle = (): void => {};
    worker.on('message', () => settle());
    return measure({ count: trips, inFlight: 1 }, (n, done) => {
      settle = done;
      worker.postMessage(n);
    });
  });
}

/** Events one way, 64 to a message, as a structured clone or as one JSON string that the other thread parses. */
export function benchOneWay(as: 'clone' | 'json', events: number): Promise<Figure> {
  return withEcho(`batches-${as}`, async (worker) => {
    return measureBulk(events, async (count) => {
      const batches = Math.ceil(count / BATCH);
      const taken = once(worker, 'message');
      worker.postMessage({ batches });
      for (let n = 0; n < batches; n++) {
        worker.postMessage(as === 'json' ? JSON.stringify(EVENTS) : EVENTS);
        // What is sent without end is only stored by the port: every so often the other side gets to catch up.
        if (n % 64 === 63) await turn();
      }
      await taken;
    });
  });
}

interface Question {
  readonly n: number;
  readonly to: string;
  readonly event: { readonly type: string };
}

/** Questions as long as an ask, 64 in flight, each thread posting what it has once per turn of its event loop. */
export function benchCoalescedAsk(asks: number): Promise<Figure> {
  return withEcho('echo', async (worker) => {
    const open = new Map<number, () => void>();
    let outgoing: Question[] = [];
    worker.on('message', (answers: readonly Question[]) => {
      for (const { n } of answers) settle(n);
    });
    const flush = (): void => {
      worker.postMessage(outgoing);
      outgoing = [];
    };
    const settle = (n: number): void => {
      const done = open.get(n);
      open.delete(n);
      done?.();
    };
    return measure({ count: asks, inFlight: 64 }, (n, done) => {
      open.set(n, done);
      const question = { n, to: `volatile-answerer/v${n % 1_000}`, event: { type: 'GET' } };
      if (outgoing.push(question) === 1) setImmediate(flush);
    });
  });
}

async function withEcho<T>(mode: EchoMode, work: (worker: Worker) => Promise<T>): Promise<T> {
  const worker = new Worker(new URL('./port-echo.ts', import.meta.url), { workerData: mode });
  await once(worker, 'message');
  try {
    return await work(worker);
  } finally {
    await worker.terminate();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
