/** Node's channels as the Port of env.ts: in order, and closed only after the last message was handed over. */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { Port } from '../env.ts';

/** What a Port can be made of. A Worker closes when its thread has exited. */
export type NodeChannel = MessagePort | Worker;

/** Adapts a MessagePort, a Worker or `parentPort`. Take it once per channel, in the turn in which you get the channel. */
export function toPort(channel: NodeChannel): Port {
  return new ChannelPort(channel);
}

class ChannelPort implements Port {
  readonly #channel: NodeChannel;
  #early: unknown[] = [];
  #receive: ((message: unknown) => void) | undefined;
  #closed: (() => void) | undefined;
  #isEnded = false;
  #isClosedHere = false;

  constructor(channel: NodeChannel) {
    this.#channel = channel;
    // Both events come in order: Node queues the close of a port, and a worker's exit, behind what was posted before.
    channel.on('message', (message: unknown) => this.#hand(message));
    channel.on('threadId' in channel ? 'exit' : 'close', () => this.#end());
  }

  post(message: unknown): void {
    this.#channel.postMessage(message);
  }

  onMessage(receive: (message: unknown) => void): void {
    this.#receive = receive;
    const early = this.#early;
    this.#early = [];
    for (const message of early) receive(message);
  }

  onClose(closed: () => void): void {
    this.#closed = closed;
    if (this.#isEnded) this.#end();
  }

  close(): void {
    this.#isClosedHere = true;
    if ('close' in this.#channel) this.#channel.close();
    else void this.#channel.terminate();
  }

  #hand(message: unknown): void {
    if (this.#receive) this.#receive(message);
    else this.#early.push(message);
  }

  #end(): void {
    this.#isEnded = true;
    const closed = this.#closed;
    this.#closed = undefined;
    if (!this.#isClosedHere) closed?.();
  }
}
