/**
 * The child of the kill harness: a store thread with several clients whose actors commit without pause, tell one another
 * and consume what they are told. Says what it does in lines of a history file, each written before the next step, until
 * it is killed. Now and then it ends its own store thread and goes on with another (rule 7).
 *
 * node store-killed.ts URL HISTORY SEED LIFE CLIENTS ACTORS_PER_CLIENT
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, toAddress } from '../../src/actor/address.ts';
import type { Address } from '../../src/actor/address.ts';
import type { Commit, InboxRow } from '../../src/store/store.ts';
import type { StoreClient } from '../../src/store/store-client.ts';
import { toPort } from '../../src/thread/port.ts';
import { outcomeOf } from './store-commits.ts';
import type { HistoryLine, Invocation } from './store-history.ts';
import { createRandom, pick } from './store-random.ts';
import { startStoreThread } from './store-thread.ts';

const [url = '', historyFile = '', seed = '1', life = '0', clientCount = '3', actorCount = '5'] = process.argv.slice(2);
const random = createRandom(Number(seed) * 1_000 + Number(life));
const options = { url, synchronous: 'full' } as const;

const IN_FLIGHT = 6;
const MAX_CONSUMED = 4;

const historyFd = openSync(historyFile, 'a');

function say(line: HistoryLine): void {
  // A kill takes nothing back from the page cache; only power loss would.
  writeSync(historyFd, `${JSON.stringify(line)}\n`);
}

const addressesOf = (client: number): Address[] =>
  Array.from({ length: Number(actorCount) }, (_, index) => toAddress('killed', `c${client}-a${index}`));

const everyone = Array.from({ length: Number(clientCount) }, (_, client) => addressesOf(client)).flat();

/** One actor: posts its next commits, a few at a time, from what it has read of its inbox. */
class Poster {
  readonly #client: StoreClient;
  readonly #address: Address;
  #seq = 0;
  #open = 0;
  #rows: InboxRow[] = [];
  #readPos = 0;
  #isReading = false;

  constructor(client: StoreClient, address: Address) {
    this.#client = client;
    this.#address = address;
  }

  async start(): Promise<void> {
    this.#seq = (await this.#client.call('load', this.#address))?.seq ?? 0;
    while (this.#open < IN_FLIGHT) this.#post();
  }

  #post(): void {
    if (this.#rows.length === 0) void this.#read();
    const consumed = this.#rows.splice(0, 1 + pick(random, MAX_CONSUMED));
    const invocation = this.#invent(consumed);
    say({ kind: 'invoke', invocation });
    this.#open++;
    this.#client.post(toCommit(invocation, consumed), (result) => {
      say({ kind: 'ack', id: invocation.id, outcome: outcomeOf(result) });
      this.#open--;
      this.#post();
    });
  }

  #invent(consumed: readonly InboxRow[]): Invocation {
    const seq = ++this.#seq;
    const id = `${this.#address}#${seq}@${life}`;
    const count = pick(random, 3);
    const sent = Array.from({ length: count }, (_, index) => ({
      id: `${id}/${index}`,
      receiver: everyone[pick(random, everyone.length)] ?? this.#address,
    }));
    return { id, address: this.#address, seq, sent, consumed: consumed.map((row) => row.id) };
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const rows = await this.#client.call('inbox', this.#address, { afterPos: this.#readPos, limit: 50 });
    this.#rows.push(...rows);
    this.#readPos = rows.at(-1)?.pos ?? this.#readPos;
    this.#isReading = false;
  }
}

function toCommit(invocation: Invocation, consumed: readonly InboxRow[]): Commit {
  const { address, seq, id, sent } = invocation;
  const state = { kind: seq % 5 === 0 ? 'delta' : 'snapshot', text: `{"seq":${seq}}`, checksum: seq } as const;
  return {
    address,
    epoch: 0,
    seq,
    at: Date.now(),
    version: 1,
    status: 'active',
    state,
    log: [JSON.stringify(invocation)],
    idempotency: [{ id }],
    inbox: sent.map((row) => ({ receiver: row.receiver, kind: 'event', id: row.id, text: '{"type":"HELLO"}' })),
    consumed: consumed.map(({ sender, pos }) => ({ sender, pos })),
    ...(seq === 1 && { actor: { type: 'killed', parent: ROOT, meta: '{}' } }),
  };
}

let thread = await startStoreThread(options);
const names = Array.from({ length: Number(clientCount) }, (_, client) => `client-${client}`);
const clients = names.map((name) => thread.client(name));
for (const [index, client] of clients.entries())
  for (const address of addressesOf(index)) void new Poster(client, address).start();
process.stdout.write('ready\n');

for (;;) {
  await sleep(100 + pick(random, 400));
  await thread.kill();
  thread = await startStoreThread(options);
  for (const [index, client] of clients.entries()) client.reconnect(toPort(thread.connect(names[index] ?? '')));
}
