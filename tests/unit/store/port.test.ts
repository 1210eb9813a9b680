import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { toPort } from '../../../src/thread/port.ts';
import { settle } from '../../support/store-env.ts';

describe('toPort', () => {
  test('keeps what came before the receiver, and hands it over first', async () => {
    const { port1, port2 } = new MessageChannel();
    const port = toPort(port2);
    port1.postMessage(1);
    port1.postMessage(2);
    await settle();
    const seen: unknown[] = [];
    port.onMessage((message) => seen.push(message));
    port1.postMessage(3);
    await settle();
    expect(seen).toEqual([1, 2, 3]);
    port1.close();
  });

  test('closes once, after the last message of the other end; never for its own close', async () => {
    const { port1, port2 } = new MessageChannel();
    const [near, far] = [toPort(port1), toPort(port2)];
    const seen: unknown[] = [];
    far.onMessage((message) => seen.push(message));
    far.onClose(() => seen.push('far closed'));
    near.onClose(() => seen.push('near closed'));
    for (let i = 0; i < 5_000; i++) near.post(i);
    near.close();
    await settle(200);
    expect(seen).toHaveLength(5_001);
    expect(seen.at(-1)).toBe('far closed');
    near.post('after close');
  });

  test('a close that came before anyone asked is told when asked', async () => {
    const { port1, port2 } = new MessageChannel();
    const port = toPort(port2);
    port1.close();
    await settle();
    await expect(new Promise<string>((resolve) => port.onClose(() => resolve('closed')))).resolves.toBe('closed');
  });

  test('a worker is closed when its thread has exited, after what it posted last', async () => {
    const source =
      "const { parentPort } = require('node:worker_threads'); for (let i = 0; i < 1000; i++) parentPort.postMessage(i); process.exit(0);";
    const port = toPort(new Worker(source, { eval: true }));
    let count = 0;
    port.onMessage(() => count++);
    await new Promise<void>((resolve) => port.onClose(resolve));
    expect(count).toBe(1_000);
  });
});
