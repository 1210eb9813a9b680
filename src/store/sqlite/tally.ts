/** Counts of actors by status and metadata, and of the bytes they hold. */
import type { Database } from 'better-sqlite3';
import type { TallyQuery, TallyRow } from '../queries.ts';

/** Lengths stand in the records' heads, so that no text is read. */
const TALLY = `
  SELECT status, value, count(*) AS actors, sum(state_bytes) AS stateBytes, sum(log_rows) AS logRows, sum(log_bytes) AS logBytes
  FROM (
    SELECT status,
      (SELECT field.value FROM json_each(iif(json_valid(meta), meta, '{}')) AS field WHERE field.key = @metaKey AND field.type = 'text') AS value,
      coalesce(octet_length(snapshot), 0)
        + (SELECT coalesce(sum(octet_length(text)), 0) FROM snapshots WHERE snapshots.address = actors.address AND snapshots.seq = actors.snapshot_seq)
        + (SELECT coalesce(sum(octet_length(text)), 0) FROM deltas WHERE deltas.address = actors.address AND deltas.seq > actors.snapshot_seq)
        AS state_bytes,
      (SELECT count(*) FROM log WHERE log.address = actors.address) AS log_rows,
      (SELECT coalesce(sum(octet_length(text)), 0) FROM log WHERE log.address = actors.address) AS log_bytes
    FROM actors WHERE type = @type
  ) GROUP BY status, value`;

/** Counts actors. */
export function tally(db: Database, { type, metaKey }: TallyQuery): readonly TallyRow[] {
  return db.prepare<[object], TallyRow>(TALLY).all({ type, metaKey });
}
