/** G9: whom a strategy names, against a model that asks of each child alone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STRATEGIES } from '../../../src/supervision/spec.ts';
import type { Strategy } from '../../../src/supervision/spec.ts';
import { affected } from '../../../src/supervision/strategy.ts';
import { holdsAlways } from '../../support/property.ts';

const families = fc.record({
  strategy: fc.constantFrom(...STRATEGIES),
  children: fc.uniqueArray(fc.string({ maxLength: 4 }), { maxLength: 12 }),
  pick: fc.nat(12),
});

/** Is this child, the n-th that was started, made anew when the one at `failedAt` fails? */
function isAffected(strategy: Strategy, n: number, failedAt: number): boolean {
  if (strategy === 'one-for-all' || n === failedAt) return true;
  return strategy === 'rest-for-one' && n > failedAt;
}

test('G9: a failure concerns those the strategy says, in the order of their start, each once', () => {
  holdsAlways(
    fc.property(families, ({ strategy, children, pick }) => {
      const failedAt = children.length > 0 ? pick % children.length : -1;
      const named = affected(strategy, Object.freeze([...children]), children[failedAt] ?? 'nobody');
      expect(named).toEqual(failedAt < 0 ? [] : children.filter((_, n) => isAffected(strategy, n, failedAt)));
    }),
  );
});

test('G9: the failure of one that is no child (any more) concerns nobody', () => {
  holdsAlways(
    fc.property(families, ({ strategy, children }) => {
      expect(affected(strategy, children, 'none of the children')).toEqual([]);
    }),
  );
});

test('G9: a stricter strategy leaves out nobody that a milder one names', () => {
  holdsAlways(
    fc.property(families, ({ children, pick }) => {
      const failed = children[pick % Math.max(1, children.length)] ?? '';
      const named = (strategy: Strategy): readonly string[] => affected(strategy, children, failed);
      expect(named('rest-for-one')).toEqual(expect.arrayContaining([...named('one-for-one')]));
      expect(named('one-for-all')).toEqual(expect.arrayContaining([...named('rest-for-one')]));
    }),
  );
});
