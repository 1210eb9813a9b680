/** Opens a system on a store that may be damaged and looks at everything in it, through what its users call. */
import { session } from '../../actors/index.ts';
import { createSystem, isTroupeError } from '../../src/index.ts';
import type { System, TroupeError } from '../../src/index.ts';
import { readHistory } from '../../src/system/history.ts';
import { DEFINITIONS, KEPT } from './corrupt-stores.ts';
import type { Planned } from './corrupt-stores.ts';

/** What came of one look: a value, an error with a code, or what must not be. */
export type Seen =
  | { readonly value: unknown }
  | { readonly error: TroupeError }
  | { readonly crash: unknown }
  /** Nothing came, and the system had said that its store cannot save or read. */
  | { readonly isStalled: true }
  | { readonly isHung: true };

/** Everything that is seen of one actor. */
export interface Sight {
  readonly view: Seen;
  readonly log: Seen;
  readonly history: Seen;
  /** The state after each of its events, by seq. */
  readonly past: ReadonlyMap<number, Seen>;
  /** What its log lines said of it. */
  readonly said: readonly Said[];
}

/** A line of the system's log that names an actor. */
export interface Said {
  readonly text: string;
  readonly code: string | undefined;
}

/** Everything that is seen of a store. */
export interface Panorama {
  /** Why it could not be opened. */
  readonly refusal?: Seen;
  readonly actors: ReadonlyMap<string, Sight>;
  readonly kept: ReadonlyMap<string, Seen>;
  readonly letters: Seen;
}

/** Time after which a look counts as hung. */
const PATIENCE_MS = 4000;
/** Time it gets once the system has said that its store fails. */
const STALL_MS = 400;
const STALLED = /the store cannot save|cannot load actor/;

/** Opens the store, looks at each actor of the plan, and closes it. */
export async function lookAt(url: string, planned: readonly Planned[]): Promise<Panorama> {
  const observer = new Observer();
  const opened = await observer.see(
    createSystem({
      actors: DEFINITIONS,
      store: url,
      threads: 0,
      synchronous: 'normal',
      log: (_level, fields, text) => observer.hear(fields, text),
    }),
  );
  if (!('value' in opened)) return { refusal: opened, actors: new Map(), kept: new Map(), letters: opened };
  const system = opened.value as System;
  try {
    return await lookAround(system, planned, observer);
  } finally {
    await system.stop({ timeoutMs: 200 });
  }
}

/** Waits for what comes of calls, and hears what the system says meanwhile. */
class Observer {
  readonly #lines: { readonly address: unknown; readonly said: Said }[] = [];
  readonly #stalled = Promise.withResolvers<Seen>();

  hear(fields: Readonly<Record<string, unknown>>, text: string): void {
    const code = (fields['error'] as { code?: string } | undefined)?.code;
    this.#lines.push({ address: fields['address'], said: { text, code } });
    if (STALLED.test(text)) setTimeout(() => this.#stalled.resolve({ isStalled: true }), STALL_MS).unref();
  }

  saidOf(address: string): readonly Said[] {
    return this.#lines.flatMap((line) => (line.address === address ? [line.said] : []));
  }

  async see(call: Promise<unknown>): Promise<Seen> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Seen>((resolve) => {
      timer = setTimeout(() => resolve({ isHung: true }), PATIENCE_MS);
    });
    const settled = call.then(
      (value): Seen => ({ value }),
      (error: unknown): Seen => (isTroupeError(error) ? { error } : { crash: error }),
    );
    try {
      return await Promise.race([settled, late, this.#stalled.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function lookAround(system: System, planned: readonly Planned[], observer: Observer): Promise<Panorama> {
  const actors = new Map<string, Sight>();
  const sights = await Promise.all(planned.map((plan) => lookAtActor(system, plan, observer)));
  for (const [index, { address }] of planned.entries())
    actors.set(address, { ...(sights[index] as Omit<Sight, 'said'>), said: observer.saidOf(address) });
  const kept = new Map<string, Seen>();
  for (const key of Object.keys(KEPT)) kept.set(key, await observer.see(system.kv.get(key)));
  return { actors, kept, letters: await observer.see(system.deadLetters()) };
}

async function lookAtActor(
  system: System,
  { address, waiting }: Planned,
  observer: Observer,
): Promise<Omit<Sight, 'said'>> {
  const slash = address.indexOf('/');
  const [type, key] = [address.slice(0, slash), address.slice(slash + 1)];
  const definition = [...DEFINITIONS, session].find((one) => one.type === type);
  const ref = system.actor(definition as never, key as never) as Ref;
  // A second look comes after what waits in its inbox.
  if (waiting.length > 0) await observer.see(ref.snapshot());
  const view = await observer.see(ref.snapshot());
  const log = await observer.see(readHistory(system, address, { limit: 1000 }));
  const history = await observer.see(ref.history({ limit: 1000 }));
  const past = new Map<number, Seen>();
  if (type === 'storied') for (let seq = 1; seq <= MOST_EVENTS; seq++) past.set(seq, await observer.see(ref.at(seq)));
  return { view, log, history, past };
}

const MOST_EVENTS = 14;

interface Ref {
  snapshot(): Promise<unknown>;
  history(query: object): Promise<unknown>;
  at(seq: number): Promise<unknown>;
}
