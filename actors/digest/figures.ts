/** What the demo measures, and how it is shown. Nothing is estimated: what cannot be measured here is left out. */
import { stat } from 'node:fs/promises';
import type { Group, Session, System } from '../../src/index.ts';

/** More than a run has. */
const MOST_ENTRIES = 1000;

/** Measured in one process. */
export interface Timings {
  /** From the call to the acknowledgement that the event is durable, for each send of the host. */
  readonly sendMs: number[];
  /** From one turn's commit to the next one's, for turns of this process. */
  readonly turnMs: number[];
  /** From the end of a worker thread until an actor it held answers again. */
  recoveryMs: number | undefined;
}

/** What a finished run shows. */
export interface Figures extends Timings {
  readonly turns: number;
  /** Turns lost because nobody answered in time. */
  readonly missed: number;
  readonly paceMs: number;
  /** Events processed over the whole run, each once. */
  readonly events: number;
  /** Commits over the whole run. */
  readonly commits: number;
  readonly actors: number;
  readonly restarts: number;
  /** Written to disk by this process; `undefined` where the operating system does not count in bytes. */
  readonly writtenBytes: number | undefined;
  readonly storeBytes: number;
}

/** An empty set of timings. */
export function createTimings(): Timings {
  return { sendMs: [], turnMs: [], recoveryMs: undefined };
}

/** Collects the figures of a run. */
export async function collectFigures(
  system: System,
  { session, group, storePath, timings }: { session: Session; group: Group; storePath: string; timings: Timings },
): Promise<Figures> {
  const [{ context }, entries, talk, members] = await Promise.all([
    group.snapshot(),
    group.history({ limit: MOST_ENTRIES }),
    session.describe(),
    system.list({ parent: group.ref.address }),
  ]);
  const own = [session.ref.address, group.ref.address];
  const parents = (await system.list({})).items.filter(({ address }) => own.includes(address));
  const actors = [...members.items, ...parents];
  const work = context.shared as { readonly paceMs: number; readonly restarts: number };
  const missed = entries.filter(({ kind }) => kind === 'missed').length;
  return {
    ...timings,
    turns: context.turn,
    missed,
    paceMs: work.paceMs,
    restarts: work.restarts,
    // GROUP.OPEN and START; for each turn its call, the end of its work and its report, or the call and the deadline; what the
    // session was told.
    events: 2 + 3 * context.turn - missed + talk.messages,
    commits: actors.reduce((sum, { seq }) => sum + seq, 0),
    actors: actors.length,
    writtenBytes: process.platform === 'linux' ? process.resourceUsage().fsWrite * 512 : undefined,
    storeBytes: await sizeOf([storePath, `${storePath}-wal`]),
  };
}

/** The figures as texts for a person, by name. */
export function describeFigures(figures: Figures): Readonly<Record<string, string>> {
  const { turns, missed, events, commits, actors, sendMs, turnMs, paceMs, writtenBytes, storeBytes } = figures;
  const written = writtenBytes ? `${formatBytes(writtenBytes)} written to disk by this process; ` : '';
  const pause = paceMs > 0 && turnMs.length > 0 ? `, the pause of ${paceMs} ms included (--pace)` : '';
  return {
    turns: `${turns}${missed > 0 ? `, ${missed} of them missed` : ''}; ${spread(turnMs)}${pause}`,
    events: `${events} processed by ${actors} actors, each once`,
    commits: `${commits}, each synced to disk before anything went out`,
    sends: `acknowledged once durable; ${spread(sendMs)}`,
    bytes: `${written}the store takes ${formatBytes(storeBytes)}`,
    restarts: describeRestarts(figures),
  };
}

function describeRestarts({ restarts, recoveryMs }: Figures): string {
  const count = restarts === 1 ? 'one turn' : `${restarts} turns`;
  const work = restarts === 0 ? 'no turn had to begin again' : `${count} began again, under the same key`;
  return recoveryMs === undefined ? work : `${work}; the ended thread's actors answered after ${formatMs(recoveryMs)}`;
}

/** A size for a person. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none in this process';
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return `p50 ${formatMs(median)}, slowest ${formatMs(sorted.at(-1) ?? 0)} of ${values.length} in this process`;
}

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

async function sizeOf(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
