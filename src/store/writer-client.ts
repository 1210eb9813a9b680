/** What the writer knows of one client: how far its commits are written, and which calls wait for them. */
import type { Port } from '../env.ts';
import type { ChangeMethod } from './file/changes.ts';
import type { StoreRequest, StoreResponse } from './protocol.ts';

/** A call, and how many commits its client had posted before it: those it must see. */
export interface WaitingCall {
  readonly request: Extract<StoreRequest, { readonly kind: 'call' }>;
  readonly after: number;
}

/** Reads that depend on nothing but the commits of the actor they name. */
const READS_OF_ONE_ACTOR: ReadonlySet<string> = new Set(['load', 'log', 'idempotency', 'scheduled']);

/** Reads of people, who want to see what is saved when nothing else can be done. */
const READS_OF_ALL: ReadonlySet<string> = new Set(['list', 'stats', 'deadLetters', 'busCounts', 'countBus', 'cursors']);

/** Every call that writes by itself; the file store keeps these in its journal. */
const WRITES: Readonly<Record<Exclude<ChangeMethod, 'commit'>, true>> = {
  fence: true,
  sweepIdempotency: true,
  sweepHistory: true,
  adopt: true,
  packSnapshot: true,
  settleOutbox: true,
  dropReplies: true,
  deleteDeadLetter: true,
  sweepBus: true,
  setCursor: true,
  deleteCursor: true,
  rise: true,
  markAlive: true,
  kvSet: true,
  kvDelete: true,
  kvClear: true,
  sweepKv: true,
};

/** True for a call that writes by itself. */
export function isWrite({ request }: WaitingCall): boolean {
  return Object.hasOwn(WRITES, request.method);
}

/** True for a read that is to be answered only once it has something. */
export function isPatient({ request }: WaitingCall): boolean {
  const query = request.args[0] as { readonly wait?: unknown } | null | undefined;
  return request.method === 'busEvents' && query?.wait === true;
}

/** One client of the writer. */
export class WriterClient {
  readonly name: string;
  readonly #port: Port;
  /** Commits taken in, and commits written or refused. */
  posted = 0;
  written = 0;
  isClosed = false;
  calls: WaitingCall[] = [];
  /** Reads of published events that wait for one to be there. They hold up nothing, and go with the port. */
  #parked: WaitingCall[] = [];
  #drained: (() => void)[] = [];

  constructor(name: string, port: Port) {
    this.name = name;
    this.#port = port;
  }

  post(response: StoreResponse): void {
    this.#port.post(response);
  }

  close(): void {
    this.leave();
    this.#port.close();
  }

  /** The port has closed: nobody waits for an answer any more. */
  leave(): void {
    this.isClosed = true;
    this.#parked = [];
  }

  /** Lets go of everything that was posted, as the end of the store's thread would. */
  abandon(): void {
    this.calls = [];
    this.close();
  }

  park(call: WaitingCall): void {
    if (!this.isClosed) this.#parked.push(call);
  }

  takeParked(): readonly WaitingCall[] {
    return this.#parked.splice(0);
  }

  get isDrained(): boolean {
    return this.isClosed && this.posted === this.written && this.calls.length === 0;
  }

  whenDrained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  settleDrained(): void {
    for (const resolve of this.#drained) resolve();
    this.#drained = [];
  }

  /** Takes out the calls whose turn has come. Calls of a client are answered in their order. */
  takeReadyCalls(): readonly WaitingCall[] {
    const blocked = this.calls.findIndex((call) => call.after > this.written);
    return this.calls.splice(0, blocked < 0 ? this.calls.length : blocked);
  }

  /** Takes out reads that may pass what cannot be written: nothing before them concerns their actor, or they show what is saved. */
  takeIndependentReads(unwritten: ReadonlySet<unknown>): readonly WaitingCall[] {
    const touched = new Set(unwritten);
    const taken: WaitingCall[] = [];
    this.calls = this.calls.filter((call) => {
      const { method, args } = call.request;
      if (READS_OF_ALL.has(method)) return void taken.push(call);
      if (READS_OF_ONE_ACTOR.has(method) && !touched.has(args[0])) return void taken.push(call);
      if (!READS_OF_ONE_ACTOR.has(method)) touched.add(args[0]);
      return true;
    });
    return taken;
  }
}
