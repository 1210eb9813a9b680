/** The load of one system in a run with a broker: the host program and actors publish at a steady rate, code subscribes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTroupeError } from '../../src/index.ts';
import type { BusHandler, System } from '../../src/index.ts';
import { beacon, keeper, picker } from './broker-actors.ts';
import type { BrokerLine, LoadData } from './broker-history.ts';
import { SIDES } from './broker-plan.ts';
import type { Side } from './broker-plan.ts';
import { ALL_TOPICS, CREW, PICKED_TOPIC, TALLY, TOPICS, WORK_TOPIC } from './broker-protocol.ts';
import type { Flow } from './broker-protocol.ts';
import { witnessOf } from './broker-times.ts';
import type { ChaosRandom } from './chaos-random.ts';

export interface BrokerLoadOptions {
  readonly system: System;
  readonly side: Side;
  readonly life: number;
  readonly perSecond: number;
  readonly random: ChaosRandom;
  readonly record: (line: BrokerLine) => void;
  readonly onFlow: (flow: Flow, sentAt: number) => void;
}

/** The load of one system. */
export interface BrokerLoad {
  /** Begins to publish. */
  go(): void;
  /** Publishes no more. Resolves when every call has an outcome. */
  halt(): Promise<void>;
}

/** Actors of each system that publish. */
const BEACONS = 2;
const TICK_MS = 10;
/** Share of the events that the host program publishes; actors publish the others. */
const BY_HOST = 0.5;
/** Share of its publications that the host program repeats under the same id once they are acknowledged. */
const REPEATED = 0.03;
const MOST_OPEN = 2000;
/** Every so many events a handler takes its time, so that it may be killed with one in hand. */
const SLOW_EVERY = 50;
const SLOW_MS = 2;

/** Names of the receivers of a side that are code without a name, and its actors that receive. */
export const passerOf = (side: Side): string => `${side}-passer`;
export const memberOf = (side: Side): string => `${side}-member`;
const beaconOf = (side: Side, number: number): string => `${side}.beacon.${number}`;
const beaconKeyOf = (from: string): string => from.replaceAll('.', '-');

/** Addresses of the actors of a side whose logs tell what was published and what came. */
export function addressesOf(side: Side): readonly string[] {
  const beacons = Array.from({ length: BEACONS }, (_, i) => `beacon/${beaconKeyOf(beaconOf(side, i + 1))}`);
  return ['keeper/all', 'picker/all', ...beacons, ...(side === 'A' ? [`${TALLY.type}/${TALLY.key}`] : [])];
}

/** Subscribes, and wakes the actors that receive: from then on nothing is missed. */
export async function createBrokerLoad(options: BrokerLoadOptions): Promise<BrokerLoad> {
  const { system, side } = options;
  await Promise.all([keeper, picker].map((each) => system.actor(each, 'all').send({ type: 'BEGIN' })));
  await system.bus.subscribe(ALL_TOPICS, toHandler(options, witnessOf(side)), { name: witnessOf(side) });
  await system.bus.subscribe(PICKED_TOPIC, toHandler(options, passerOf(side)));
  await system.bus.subscribe(WORK_TOPIC, toHandler(options, memberOf(side)), { queue: CREW });
  return new LoadRun(options);
}

/** Notes what a subscriber has handled, after it has. */
function toHandler({ side, record, onFlow }: BrokerLoadOptions, by: string): BusHandler {
  let count = 0;
  return async ({ id, data }) => {
    if (++count % SLOW_EVERY === 0) await sleep(SLOW_MS);
    const { from, n, sentAt } = data as LoadData;
    record({ t: 'heard', by, id, from, n, sentAt, at: Date.now() });
    // A server that has lost the place of a group gives it everything again first.
    if (by === memberOf(side)) onFlow(CREW, Date.now());
    if (by === witnessOf(side)) onFlow(`${sideOf(from)}>${side}`, sentAt);
  };
}

function sideOf(from: string): Side | 'F' {
  return SIDES.find((side) => from.startsWith(`${side}.`)) ?? 'F';
}

class LoadRun implements BrokerLoad {
  readonly #options: BrokerLoadOptions;
  readonly #open = new Set<Promise<void>>();
  #done: Promise<void> | undefined;
  #n = 0;
  #isOver = false;

  constructor(options: BrokerLoadOptions) {
    this.#options = options;
  }

  go(): void {
    this.#done ??= this.#run();
  }

  async halt(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    await Promise.all(this.#open);
  }

  /** As many per tick as keep the rate, however long the last tick took. */
  async #run(): Promise<void> {
    const { perSecond } = this.#options;
    const startedAt = performance.now();
    for (let made = 0; !this.#isOver;) {
      await sleep(TICK_MS);
      const due = ((performance.now() - startedAt) / 1000) * perSecond;
      for (; made < due; made++) if (this.#open.size < MOST_OPEN) this.#track(this.#step());
    }
  }

  #track(call: Promise<void>): void {
    this.#open.add(call);
    void call.finally(() => this.#open.delete(call));
  }

  #step(): Promise<void> {
    const { random } = this.#options;
    const topic = random.pick(TOPICS);
    return random.chance(BY_HOST) ? this.#publish(topic, random.chance(REPEATED)) : this.#shout(topic);
  }

  async #publish(topic: string, isRepeated: boolean): Promise<void> {
    const { system, side, life, record } = this.#options;
    const call = { from: `${side}.host.${life}`, n: ++this.#n, sentAt: Date.now() };
    const id = `${call.from}:${call.n}`;
    record({ t: 'call', topic, ...call });
    try {
      await system.bus.publish(topic, call, { id });
      record({ t: 'ok', from: call.from, n: call.n });
      if (isRepeated) await system.bus.publish(topic, call, { id });
    } catch (error) {
      record({ t: 'fail', from: call.from, n: call.n, code: isTroupeError(error) ? error.code : String(error) });
    }
  }

  /** What comes of it stands in the log of the actor. */
  async #shout(topic: string): Promise<void> {
    const { system, side, random, record } = this.#options;
    const from = beaconOf(side, random.between(1, BEACONS));
    try {
      await system.actor(beacon, beaconKeyOf(from)).send({ type: 'SHOUT', topic, from, sentAt: Date.now() });
    } catch (error) {
      record({ t: 'fail', from, n: 0, code: isTroupeError(error) ? error.code : String(error) });
    }
  }
}
