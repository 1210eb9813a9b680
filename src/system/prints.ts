/** Compares what threads have loaded: each must run the same definitions, or actors would change with the thread. */
import type { DefinitionPrint } from '../actor/definitions.ts';
import { TroupeError } from '../errors.ts';

/** @throws {TroupeError} ERR_DEFINITION_DIFFERS saying which definition differs, and how. */
export function assertSamePrints(
  main: readonly DefinitionPrint[],
  thread: readonly DefinitionPrint[],
  index: number,
): void {
  const difference = findDifference(main, thread);
  if (difference === undefined) return;
  throw new TroupeError(
    'ERR_DEFINITION_DIFFERS',
    `Worker thread ${index} loaded other definitions than the main thread: ${difference}. A definitions module must export the same in every thread.`,
    { details: { thread: index, difference } },
  );
}

function findDifference(main: readonly DefinitionPrint[], thread: readonly DefinitionPrint[]): string | undefined {
  const there = new Map(thread.map((print) => [print.type, print]));
  for (const { type, version, hash } of main) {
    const other = there.get(type);
    if (!other) return `'${type}' is missing there`;
    if (other.version !== version) return `'${type}' has version ${other.version} there and ${version} on main`;
    if (other.hash !== hash) return `'${type}' has another machine there (hash ${other.hash}, on main ${hash})`;
  }
  const known = new Set(main.map(({ type }) => type));
  const extra = thread.find(({ type }) => !known.has(type));
  return extra && `'${extra.type}' exists only there`;
}
