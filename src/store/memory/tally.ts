/** Counts of actors in memory. Mirrors `sqlite/tally.ts`. */
import type { TallyQuery, TallyRow } from '../queries.ts';
import type { ActorEntry, MemoryTables } from './tables.ts';

/** Counts actors. */
export function tally({ actors }: MemoryTables, { type, metaKey }: TallyQuery): readonly TallyRow[] {
  const rows = new Map<string, TallyRow>();
  for (const entry of actors.values()) {
    if (entry.actor.type !== type) continue;
    const one = toRow(entry, metaKey);
    const name = JSON.stringify([one.status, one.value]);
    const sum = rows.get(name);
    rows.set(name, sum ? add(sum, one) : one);
  }
  return [...rows.values()];
}

function toRow({ actor, states, log }: ActorEntry, metaKey: string): TallyRow {
  const { snapshot, deltas } = states.current;
  const stateBytes = [snapshot, ...deltas].reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const logBytes = log.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const value = readField(actor.meta, metaKey);
  return { status: actor.status, value, actors: 1, stateBytes, logRows: log.length, logBytes };
}

function readField(meta: string, key: string): string | null {
  try {
    const fields = JSON.parse(meta) as Record<string, unknown>;
    return Object.hasOwn(fields, key) && typeof fields[key] === 'string' ? fields[key] : null;
  } catch {
    return null;
  }
}

function add(a: TallyRow, b: TallyRow): TallyRow {
  return {
    ...a,
    actors: a.actors + b.actors,
    stateBytes: a.stateBytes + b.stateBytes,
    logRows: a.logRows + b.logRows,
    logBytes: a.logBytes + b.logBytes,
  };
}
