/** Durable sends through the whole system: ref, worker thread, turn, commit with a sync, acknowledgement. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystem } from '../src/index.ts';
import { counter } from './actors.ts';
import { measure } from './measure.ts';
import type { Figure } from './measure.ts';

export interface SendBenchOptions {
  readonly inFlight: number;
  readonly sends: number;
  /** Actors the sends are spread over. */
  readonly actors: number;
}

/** Sends that are acknowledged once they are durable. */
export async function benchDurableSend({ inFlight, sends, actors }: SendBenchOptions): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  const module = new URL('./actors.ts', import.meta.url);
  const system = await createSystem({ actors: [module], store: `sqlite:${join(folder, 'bench.db')}`, threads: 1 });
  try {
    const refs = Array.from({ length: actors }, (_, i) => system.actor(counter, `a${i}`));
    await Promise.all(refs.map((ref) => ref.send({ type: 'ADD', n: 1 })));
    const send = (n: number): Promise<void> => refs[n % actors]?.send({ type: 'ADD', n: 1 }) ?? Promise.resolve();
    return await measure({ count: sends, inFlight }, (n, done) => void send(n).then(done));
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
