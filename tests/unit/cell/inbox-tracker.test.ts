/** Rule 2: hints are taken only when nothing can be missing before them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InboxTracker } from '../../../src/cell/inbox-tracker.ts';
import type { InboxRow } from '../../../src/store/store.ts';

const A = 'relay/a' as never;
const B = 'relay/b' as never;
const row = (pos: number, sender = A): InboxRow => ({
  receiver: 'recorder/r' as never,
  sender,
  pos,
  kind: 'event',
  id: `${pos}`,
  at: 0,
  text: '{}',
});
const positions = (rows: readonly InboxRow[]) => rows.map(({ pos }) => pos);

describe('InboxTracker', () => {
  test('a hint with nothing before it is taken, and known from then on', () => {
    const tracker = new InboxTracker();
    expect(tracker.judge(A, 5, 0)).toBe('take');
    expect(tracker.judge(A, 5, 0)).toBe('known');
    expect(tracker.judge(A, 3, 0)).toBe('known');
  });

  test('a hint whose forerunner has not been seen is a gap, and not taken', () => {
    const tracker = new InboxTracker();
    expect(tracker.judge(A, 9, 7)).toBe('gap');
    expect(tracker.judge(A, 7, 0)).toBe('take');
    expect(tracker.judge(A, 9, 7)).toBe('take');
    expect(tracker.judge(A, 20, 15)).toBe('gap');
  });

  test('a forerunner that has been consumed since does not make a gap', () => {
    const tracker = new InboxTracker();
    expect(tracker.judge(A, 5, 0)).toBe('take');
    expect(tracker.judge(A, 12, 0)).toBe('take');
  });

  test('senders do not disturb each other', () => {
    const tracker = new InboxTracker();
    expect([tracker.judge(A, 1, 0), tracker.judge(B, 2, 0), tracker.judge(A, 3, 1), tracker.judge(B, 4, 2)]).toEqual([
      'take',
      'take',
      'take',
      'take',
    ]);
    expect(tracker.judge(B, 3, 0)).toBe('known');
  });

  test('a page hands over what was not, and nothing twice', () => {
    const tracker = new InboxTracker();
    tracker.judge(A, 2, 0);
    expect(positions(tracker.takePage([row(2), row(3), row(4, B)], true))).toEqual([3, 4]);
    expect(positions(tracker.takePage([row(2), row(3), row(4, B), row(6)], true))).toEqual([6]);
    expect(tracker.judge(A, 3, 2)).toBe('known');
  });

  test('while rows wait on disk hints are gaps: they would overtake', () => {
    const tracker = new InboxTracker();
    tracker.takePage([row(1), row(2)], false);
    expect(tracker.isBehind).toBe(true);
    expect(tracker.judge(B, 9, 0)).toBe('gap');
    tracker.takePage([row(3), row(9, B)], true);
    expect(tracker.isBehind).toBe(false);
    expect(tracker.judge(B, 10, 9)).toBe('take');
  });

  test('trim forgets senders only when there are many; what follows costs a read', () => {
    const tracker = new InboxTracker();
    for (let i = 1; i <= 1001; i++) tracker.judge(`relay/k${i}` as never, i, 0);
    tracker.trim();
    expect(tracker.judge('relay/k7' as never, 2000, 7)).toBe('gap');
    const few = new InboxTracker();
    few.judge(A, 1, 0);
    few.trim();
    expect(few.judge(A, 2, 1)).toBe('take');
  });

  test('whatever is lost, doubled or late, every row is handed over once, in order per sender', () => {
    const hint = fc.record({ isLost: fc.boolean(), isDoubled: fc.boolean(), sender: fc.constantFrom(A, B) });
    fc.assert(
      fc.property(fc.array(hint, { maxLength: 40 }), (hints) => {
        const tracker = new InboxTracker();
        const stored: InboxRow[] = [];
        const taken: InboxRow[] = [];
        const read = () => taken.push(...tracker.takePage(stored, true));
        for (const [i, { isLost, isDoubled, sender }] of hints.entries()) {
          const next = row(i + 1, sender);
          const previousPos = stored.findLast((other) => other.sender === sender)?.pos ?? 0;
          stored.push(next);
          if (isLost) continue;
          for (let times = isDoubled ? 2 : 1; times > 0; times--) {
            const verdict = tracker.judge(sender, next.pos, previousPos);
            if (verdict === 'take') taken.push(next);
            if (verdict === 'gap') read();
          }
        }
        read();
        for (const sender of [A, B]) {
          const mine = (rows: readonly InboxRow[]) => positions(rows.filter((each) => each.sender === sender));
          expect(mine(taken)).toEqual(mine(stored));
        }
      }),
    );
  });
});
