/** Where threads start: the only place that knows a file extension. Source runs as .ts, the build as .js. */
import { extname } from 'node:path';

/** URL of a thread's entry beside this file. */
export function entryUrl(
  name: 'worker-entry' | '../store/store-entry' | '../store/backup/backup-entry' | '../pool/pool-entry',
): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
}
