/** Whom of its children a parent has made anew when one of them failed. Pure. */
import { assertNever } from '../errors.ts';
import type { Strategy } from './spec.ts';

/**
 * Those whom the failure of one child concerns, that child among them, in the order of their start.
 * @param children in the order of their start; nobody when the failed one is not there (any more)
 */
export function affected<T>(strategy: Strategy, children: readonly T[], failed: T): readonly T[] {
  const at = children.indexOf(failed);
  if (at < 0) return [];
  switch (strategy) {
    case 'one-for-one':
      return [failed];
    case 'one-for-all':
      return children;
    case 'rest-for-one':
      return children.slice(at);
    default:
      return assertNever(strategy);
  }
}
