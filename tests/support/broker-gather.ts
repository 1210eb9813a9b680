/** Puts together what all ends of a run with a broker have written down. Pure. */
import type { KeptEntry } from './broker-actors.ts';
import type { Hearing, Publication, Receiver } from './broker-check.ts';
import { REQUESTS } from './broker-foreign.ts';
import type { BrokerLine, HeardLine } from './broker-history.ts';
import { memberOf, passerOf } from './broker-load.ts';
import type { Side } from './broker-plan.ts';
import { ALL_TOPICS, CREW, PICKED_TOPIC, TALLY, WORK_TOPIC } from './broker-protocol.ts';
import type { SystemDump } from './broker-protocol.ts';
import { witnessOf } from './broker-times.ts';

/** What one system has left. */
export interface SystemRecord {
  readonly side: Side;
  readonly lives: readonly (readonly BrokerLine[])[];
  readonly dump: SystemDump;
}

/** Publications of host programs, and of actors, whose logs are the truth about them. */
export function gatherPublications(systems: readonly SystemRecord[]): readonly Publication[] {
  return systems.flatMap(({ lives, dump }) => [...lives.flatMap(toCalls), ...logsOf(dump, 'beacon').flatMap(toShouts)]);
}

function toCalls(lines: readonly BrokerLine[]): readonly Publication[] {
  const done = new Set(lines.flatMap((line) => (line.t === 'ok' ? [line.n] : [])));
  return lines.flatMap((line) => {
    if (line.t !== 'call') return [];
    const { from, n, sentAt, topic } = line;
    return [{ from, n, sentAt, topic, isSure: done.has(n) }];
  });
}

function toShouts(entries: readonly KeptEntry[]): readonly Publication[] {
  return entries.map(({ from, n, sentAt, topic = '' }) => ({ from, n, sentAt, topic, isSure: true }));
}

/** Calls that were refused, which an outage of the broker is no reason for. */
export function gatherRefusals(systems: readonly SystemRecord[]): readonly string[] {
  return systems.flatMap(({ lives }) =>
    lives.flat().flatMap((line) => (line.t === 'fail' ? [`'${line.from}#${line.n}' was refused: ${line.code}`] : [])),
  );
}

/** Everybody who was to receive something, in both systems and at the stream. */
export function gatherReceivers(systems: readonly SystemRecord[], stream: readonly Hearing[]): readonly Receiver[] {
  const members = systems.flatMap(({ side, lives }) => livesOf(lives, memberOf(side)));
  return [
    ...systems.flatMap(toReceivers),
    { name: CREW, kind: 'group', pattern: WORK_TOPIC, lives: members },
    { name: 'the stream', kind: 'kept', pattern: ALL_TOPICS, lives: [stream] },
  ];
}

function toReceivers({ side, lives, dump }: SystemRecord): readonly Receiver[] {
  const kept = (type: string, pattern: string): Receiver => ({
    name: `${side}.${type}`,
    kind: 'kept',
    pattern,
    lives: logsOf(dump, type).map(toHearings),
  });
  return [
    { name: witnessOf(side), kind: 'named', pattern: ALL_TOPICS, lives: livesOf(lives, witnessOf(side)) },
    { name: passerOf(side), kind: 'passing', pattern: PICKED_TOPIC, lives: livesOf(lives, passerOf(side)) },
    kept('keeper', ALL_TOPICS),
    kept('picker', PICKED_TOPIC),
    ...(side === 'A' ? [kept(TALLY.type, REQUESTS)] : []),
  ];
}

function livesOf(lives: readonly (readonly BrokerLine[])[], name: string): readonly (readonly Hearing[])[] {
  return lives.map((lines) => lines.filter((line): line is HeardLine => line.t === 'heard' && line.by === name));
}

function toHearings(entries: readonly KeptEntry[]): readonly Hearing[] {
  return entries.map(({ from, n, sentAt, id = '' }) => ({ from, n, sentAt, id }));
}

/** Logs whose rows are not as many as the state of the actor says. */
export function gatherTorn(systems: readonly SystemRecord[]): readonly string[] {
  return systems.flatMap(({ side, dump }) =>
    Object.entries(dump).flatMap(([address, entries]) => {
      const index = entries.findIndex(({ place }, i) => place !== i + 1);
      return index < 0 ? [] : [`row ${index + 1} of '${address}' of ${side} is its event ${entries[index]?.place}`];
    }),
  );
}

function logsOf(dump: SystemDump, type: string): readonly (readonly KeptEntry[])[] {
  return Object.entries(dump).flatMap(([address, entries]) => (address.startsWith(`${type}/`) ? [entries] : []));
}
