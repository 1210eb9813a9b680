/** One of the two systems of a run with a broker: works until it is killed, or until it is told to finish. */
import { writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSystem } from '../../src/index.ts';
import type { Address, System } from '../../src/index.ts';
import type { KeptEntry } from '../support/broker-actors.ts';
import { openHistory } from '../support/broker-history.ts';
import { addressesOf, createBrokerLoad } from '../support/broker-load.ts';
import type { BrokerLoad } from '../support/broker-load.ts';
import type { Side } from '../support/broker-plan.ts';
import { TALLY } from '../support/broker-protocol.ts';
import type { Flow, SystemDump, SystemLook, SystemOrder, SystemWish, SystemWord } from '../support/broker-protocol.ts';
import { createChaosRandom } from '../support/chaos-random.ts';

const ACTORS = new URL('../support/broker-actors.ts', import.meta.url);
const SAY_EVERY_MS = 20;
const LOG_PAGE = 10_000;

const say = (word: SystemWord): void => void writeSync(1, `${JSON.stringify(word)}\n`);

/** Says of each flow that it goes on, now and then. */
function createFlowSayer(): (flow: Flow, sentAt: number) => void {
  const saidAt = new Map<Flow, number>();
  return (flow, sentAt) => {
    const now = performance.now();
    if (now - (saidAt.get(flow) ?? 0) < SAY_EVERY_MS) return;
    saidAt.set(flow, now);
    say({ t: 'flow', flow, sentAt });
  };
}

async function begin(order: SystemOrder): Promise<(wish: SystemWish) => Promise<void>> {
  const { side, life, perSecond, url, namespace, threads } = order;
  const system = await createSystem({
    actors: [ACTORS],
    store: `sqlite:${order.storeFile}`,
    threads,
    // A system that is started while the server is away goes on by itself.
    nats: { servers: url, namespace, required: false, actors: side === 'A' ? [TALLY.type] : false },
  });
  const load = await createBrokerLoad({
    system,
    side,
    life,
    perSecond,
    random: createChaosRandom(order.seed),
    record: openHistory(order.historyFile),
    onFlow: createFlowSayer(),
  });
  say({ t: 'up' });
  return (wish) => grant(wish, { system, load, order });
}

interface Running {
  readonly system: System;
  readonly load: BrokerLoad;
  readonly order: SystemOrder;
}

async function grant(wish: SystemWish, { system, load, order }: Running): Promise<void> {
  if (wish === 'go') return load.go();
  if (wish === 'look') return say({ t: 'look', look: await lookAt(system) });
  await load.halt();
  if (wish === 'halt') return say({ t: 'halted' });
  writeFileSync(order.dumpFile, JSON.stringify(await dump(system, order.side)));
  await system.stop();
  say({ t: 'over' });
  process.exit(0);
}

async function lookAt(system: System): Promise<SystemLook> {
  const [{ inboxRows, outboxRows }, { nats, subscribers }] = await Promise.all([system.stats(), system.bus.stats()]);
  return {
    unsent: nats?.relay.behind ?? -1,
    streamSeq: nats?.inlet.streamSeq ?? -1,
    unread: nats?.inlet.behind ?? -1,
    inboxRows,
    outboxRows,
    // How far a group is the server says; a member knows only what it was when its last event came.
    unhandled: subscribers.reduce((sum, { queue, behind }) => sum + (queue === undefined ? behind : 0), 0),
    server: nats?.server ?? 'none',
  };
}

async function dump(system: System, side: Side): Promise<SystemDump> {
  const logs = addressesOf(side).map(async (address) => [address, await readLog(system, address as Address)] as const);
  return Object.fromEntries(await Promise.all(logs));
}

async function readLog(system: System, address: Address): Promise<readonly KeptEntry[]> {
  const entries: KeptEntry[] = [];
  for (let after = 0; ;) {
    const rows = await system.store.call('log', address, { after, limit: LOG_PAGE });
    for (const { text } of rows) entries.push(JSON.parse(text) as KeptEntry);
    after = rows.at(-1)?.n ?? after;
    if (rows.length < LOG_PAGE) return entries;
  }
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

let grantWish: Promise<(wish: SystemWish) => Promise<void>> | undefined;
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (!grantWish) grantWish = begin(JSON.parse(line) as SystemOrder);
  else void grantWish.then((grantIt) => grantIt(JSON.parse(line) as SystemWish)).catch(fail);
  grantWish.catch(fail);
});
// Whoever started it is gone.
lines.on('close', () => process.exit(1));
say({ t: 'loaded' });
