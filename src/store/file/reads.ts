/** The reading half of the file store: what the tables in memory say, but for actors whose files were damaged. */
import type { Address } from '../../actor/address.ts';
import { TroupeError } from '../../errors.ts';
import type {
  BusQuery,
  DeadLetterQuery,
  DueQuery,
  HistoryQuery,
  KeyQuery,
  ListQuery,
  LogQuery,
  LooseHistory,
  LooseQuery,
  StatesQuery,
  TallyQuery,
} from '../queries.ts';
import type { BusCount, BusScan } from '../topics.ts';
import type { Held } from './load.ts';

type PageQuery = { readonly afterPos?: number; readonly limit?: number };

/** Reads over whatever the store holds at the time. */
export abstract class FileReads {
  /** Runs `work` on what is held; reads the folder first if need be. */
  protected abstract run<T>(work: (held: Held) => T): Promise<Awaited<T>>;

  /**
   * An actor whose file was damaged has a state whose checksum is wrong, so that nobody takes it for one. Its row has none: it is as the
   * index has it, which vouches for it, without what only the file knew.
   */
  async load(address: Address) {
    return this.run(async (held) => {
      const actor = await held.memory.load(address);
      if (!actor || !isDamaged(held, address)) return actor;
      return { ...actor, sum: null, snapshot: { seq: actor.seq, text: '', checksum: 1 }, deltas: [] };
    });
  }

  async states(address: Address, query: StatesQuery) {
    return this.run((held) => (isDamaged(held, address) ? undefined : held.memory.states(address, query)));
  }

  async inbox(address: Address, query?: PageQuery) {
    return this.run(({ memory }) => memory.inbox(address, query));
  }

  async idempotency(address: Address, id: string) {
    return this.run(({ memory }) => memory.idempotency(address, id));
  }

  async log(address: Address, query?: LogQuery) {
    return this.run((held) => assertSound(held, address, 'log').log(address, query));
  }

  async history(address: Address, query?: HistoryQuery) {
    return this.run((held) => assertSound(held, address, 'history').history(address, query));
  }

  async looseSnapshots(query: LooseQuery) {
    return this.run(({ memory }) => memory.looseSnapshots(query));
  }

  /** A file of an actor is a text that a person can read: nothing in it is packed together. */
  async looseHistory(): Promise<LooseHistory> {
    return this.run(() => ({}));
  }

  async packHistory(): Promise<boolean> {
    return this.run(() => false);
  }

  async list(query?: ListQuery) {
    return this.run(({ memory }) => memory.list(query));
  }

  async recoverable(query?: { readonly afterAddress?: Address; readonly limit?: number }) {
    return this.run(({ memory }) => memory.recoverable(query));
  }

  async outbox(query?: PageQuery) {
    return this.run(({ memory }) => memory.outbox(query));
  }

  async deadLetters(query?: DeadLetterQuery) {
    return this.run(({ memory }) => memory.deadLetters(query));
  }

  async due(query: DueQuery) {
    return this.run(({ memory }) => memory.due(query));
  }

  async scheduled(address: Address, query?: { readonly until?: number; readonly limit?: number }) {
    return this.run(({ memory }) => memory.scheduled(address, query));
  }

  async busEvents(query?: BusQuery) {
    return this.run(({ memory }) => memory.busEvents(query));
  }

  async lastBusPos() {
    return this.run(({ memory }) => memory.lastBusPos());
  }

  async scanBus(query?: BusScan) {
    return this.run(({ memory }) => memory.scanBus(query));
  }

  async countBus(query: BusCount) {
    return this.run(({ memory }) => memory.countBus(query));
  }

  async busCounts() {
    return this.run(({ memory }) => memory.busCounts());
  }

  async cursors() {
    return this.run(({ memory }) => memory.cursors());
  }

  async cursor(name: string) {
    return this.run(({ memory }) => memory.cursor(name));
  }

  async kvGet(key: string, now: number) {
    return this.run(({ memory }) => memory.kvGet(key, now));
  }

  async kvKeys(query: KeyQuery) {
    return this.run(({ memory }) => memory.kvKeys(query));
  }

  async tally(query: TallyQuery) {
    return this.run(({ memory }) => memory.tally(query));
  }

  async stats() {
    return this.run(async (held) => ({ ...(await held.memory.stats()), bytes: bytesOf(held) }));
  }
}

/** What stood in a damaged file is not known: no list of nothing may say that there was nothing. */
function assertSound(held: Held, address: Address, what: string): Held['memory'] {
  if (!isDamaged(held, address)) return held.memory;
  const file = held.damaged.get(address)?.files.at(-1) ?? '';
  throw new TroupeError(
    'ERR_STATE_CORRUPT',
    `The ${what} of '${address}' cannot be read: its file '${file}' is damaged. It was left as it is; put it back from a copy while no system runs, restore a backup, or remove the actor.`,
    { details: { owner: address, file } },
  );
}

function isDamaged({ damaged, tables }: Held, address: Address): boolean {
  const harm = damaged.get(address);
  return harm !== undefined && tables.actors.get(address)?.n === harm.n;
}

function bytesOf({ manifest, index, journalBytes }: Held): number {
  const refs = [manifest.index, ...Object.values(manifest.tables), ...index.values()];
  return refs.reduce((sum, ref) => sum + (ref?.bytes ?? 0), journalBytes);
}
