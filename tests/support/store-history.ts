/**
 * The history of a run that was killed: what was invoked and what was acknowledged, as lines a child process writes and
 * its parent keeps. And the judge: does what the store holds agree with the history?
 *
 * Every commit of a run appends one log line that says what the commit was, so a log is the list of what was applied.
 */
import type { Address } from '../../src/actor/address.ts';
import type { LogRow } from '../../src/store/queries.ts';
import type { Store } from '../../src/store/store.ts';

/** What one commit was: also the text of the log line it appends. */
export interface Invocation {
  readonly id: string;
  readonly address: Address;
  readonly seq: number;
  /** Ids of the inbox rows it sends, and to whom. */
  readonly sent: readonly { readonly id: string; readonly receiver: Address }[];
  /** Ids of the inbox rows it consumes. */
  readonly consumed: readonly string[];
}

/** A line of a history. */
export type HistoryLine =
  | { readonly kind: 'invoke'; readonly invocation: Invocation }
  | { readonly kind: 'ack'; readonly id: string; readonly outcome: string };

/** Everything invoked and acknowledged, over all lives of the process. */
export class History {
  readonly invoked = new Map<string, Invocation>();
  readonly acknowledged = new Set<string>();
  readonly refused: string[] = [];

  /** Takes in the lines of one life. The last one may have been cut off by the kill: then it was not said. */
  read(text: string): void {
    for (const line of text.split('\n')) {
      try {
        this.#add(JSON.parse(line) as HistoryLine);
      } catch {
        continue;
      }
    }
  }

  #add(line: HistoryLine): void {
    if (line.kind === 'invoke') this.invoked.set(line.invocation.id, line.invocation);
    if (line.kind !== 'ack') return;
    if (line.outcome === 'done' || line.outcome === 'repeated') this.acknowledged.add(line.id);
    else this.refused.push(`${line.id}: ${line.outcome}`);
  }
}

/** What the judge found. Empty `violations` is the promise kept. */
export interface Verdict {
  readonly violations: readonly string[];
  readonly applied: number;
  readonly acknowledged: number;
  /** Applied although the process died before it could say so: allowed, and resent as such. */
  readonly appliedUnacknowledged: number;
  readonly waitingRows: number;
}

/** Compares a store with the history of those who wrote to it. */
export async function judge(store: Store, addresses: readonly Address[], history: History): Promise<Verdict> {
  const violations: string[] = history.refused.map((line) => `refused: ${line}`);
  const applied = new Map<string, Invocation>();
  for (const address of addresses) violations.push(...(await judgeActor(store, address, history, applied)));
  for (const id of history.acknowledged) if (!applied.has(id)) violations.push(`acknowledged and lost: ${id}`);
  const { waitingRows, problems } = await judgeRows(store, addresses, applied);
  const appliedUnacknowledged = [...applied.keys()].filter((id) => !history.acknowledged.has(id)).length;
  return {
    violations: [...violations, ...problems],
    applied: applied.size,
    acknowledged: history.acknowledged.size,
    appliedUnacknowledged,
    waitingRows,
  };
}

async function judgeActor(
  store: Store,
  address: Address,
  history: History,
  applied: Map<string, Invocation>,
): Promise<string[]> {
  const violations: string[] = [];
  const seq = (await store.load(address))?.seq ?? 0;
  const log = await readWholeLog(store, address);
  if (log.length !== seq) violations.push(`${address}: seq ${seq}, but ${log.length} commits in its log`);
  for (const [index, { text }] of log.entries()) {
    const line = JSON.parse(text) as Invocation;
    const invocation = history.invoked.get(line.id);
    if (line.seq !== index + 1) violations.push(`${address}: commit ${line.seq} stands at ${index + 1}`);
    if (JSON.stringify(invocation) !== text)
      violations.push(`${address}: ${line.id} was applied but not invoked like that`);
    if (applied.has(line.id)) violations.push(`${address}: ${line.id} was applied twice`);
    if ((await store.idempotency(address, line.id)) === undefined)
      violations.push(`${address}: ${line.id} is not recorded`);
    applied.set(line.id, line);
  }
  return violations;
}

/** Every row that was sent is either consumed once or waits, and nothing else is. */
async function judgeRows(store: Store, addresses: readonly Address[], applied: ReadonlyMap<string, Invocation>) {
  const problems: string[] = [];
  const state = new Map<string, 'sent' | 'consumed' | 'waiting'>();
  for (const { sent } of applied.values()) for (const { id } of sent) state.set(id, 'sent');
  const move = (id: string, to: 'consumed' | 'waiting'): void => {
    const from = state.get(id);
    if (from !== 'sent') problems.push(`row ${id} is ${to}, but was ${from ?? 'never sent'} before`);
    state.set(id, to);
  };
  for (const { consumed } of applied.values()) for (const id of consumed) move(id, 'consumed');
  let waitingRows = 0;
  for (const address of addresses) {
    for (const { id } of await readWholeInbox(store, address)) {
      move(id, 'waiting');
      waitingRows++;
    }
  }
  for (const [id, last] of state) if (last === 'sent') problems.push(`row ${id} was sent and is lost`);
  return { waitingRows, problems };
}

async function readWholeLog(store: Store, address: Address): Promise<LogRow[]> {
  const rows: LogRow[] = [];
  for (;;) {
    const page = await store.log(address, { after: rows.length, limit: 10_000 });
    rows.push(...page);
    if (page.length < 10_000) return rows;
  }
}

async function readWholeInbox(store: Store, address: Address) {
  const rows = [];
  for (;;) {
    const page = await store.inbox(address, { afterPos: rows.at(-1)?.pos ?? 0, limit: 10_000 });
    rows.push(...page);
    if (page.length < 10_000) return rows;
  }
}
