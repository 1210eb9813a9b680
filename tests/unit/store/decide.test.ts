import { expect, test } from 'vitest';
import { decideCommit } from '../../../src/store/decide.ts';
import { actorAt, firstCommit, nextCommit, outcomeOf } from '../../support/store-commits.ts';

const A = actorAt('a');
const stored = (seq: number, epoch = 0) => ({ seq, epoch });
const removed = (seq: number, createdAt = 1_000, epoch = 0) => ({ seq, epoch, createdAt });
const first = (at = 1_000) => firstCommit(A, { at });

test.each([
  // Rule 5: the next seq under the same epoch, nothing else.
  { name: 'the next', commit: nextCommit(A, 5), stored: stored(4), expected: 'apply' },
  { name: 'the same again', commit: nextCommit(A, 4), stored: stored(4), expected: 'refused: seq' },
  { name: 'an older one', commit: nextCommit(A, 2), stored: stored(4), expected: 'refused: seq' },
  { name: 'a gap', commit: nextCommit(A, 6), stored: stored(4), expected: 'refused: seq' },
  { name: 'a former owner', commit: nextCommit(A, 5), stored: stored(4, 1), expected: 'refused: epoch' },
  {
    name: 'an owner not known yet',
    commit: { ...nextCommit(A, 5), epoch: 1 },
    stored: stored(4),
    expected: 'refused: epoch',
  },
  { name: 'a first commit', commit: first(), expected: 'apply' },
  { name: 'a first commit of one that lives', commit: first(), stored: stored(1), expected: 'refused: seq' },
  { name: 'a first commit that does not say what it is', commit: nextCommit(A, 1), expected: 'refused: seq' },
  { name: 'a later commit of nobody', commit: nextCommit(A, 2), expected: 'refused: seq' },
  // Rule 7: what comes again.
  { name: 'resent, applied', commit: nextCommit(A, 4), isResent: true, stored: stored(4), expected: 'repeated' },
  { name: 'resent, long applied', commit: nextCommit(A, 2), isResent: true, stored: stored(4), expected: 'repeated' },
  { name: 'resent first, applied', commit: first(), isResent: true, stored: stored(4), expected: 'repeated' },
  { name: 'resent, not applied', commit: nextCommit(A, 5), isResent: true, stored: stored(4), expected: 'apply' },
  { name: 'resent, a gap', commit: nextCommit(A, 6), isResent: true, stored: stored(4), expected: 'refused: seq' },
  {
    name: 'resent after a fence',
    commit: nextCommit(A, 4),
    isResent: true,
    stored: stored(4, 1),
    expected: 'refused: epoch',
  },
  {
    name: 'resent, removed since',
    commit: nextCommit(A, 3),
    isResent: true,
    removed: removed(5),
    expected: 'repeated',
  },
  { name: 'resent removal', commit: nextCommit(A, 5), isResent: true, removed: removed(5), expected: 'repeated' },
  {
    name: 'resent first, removed since',
    commit: first(1_000),
    isResent: true,
    removed: removed(5, 1_000),
    expected: 'repeated',
  },
  {
    name: 'resent first of the next one',
    commit: first(2_000),
    isResent: true,
    removed: removed(5, 1_000),
    expected: 'apply',
  },
  { name: 'not resent, removed before', commit: first(1_000), removed: removed(5, 1_000), expected: 'apply' },
  {
    name: 'resent, past the removal',
    commit: nextCommit(A, 6),
    isResent: true,
    removed: removed(5),
    expected: 'refused: seq',
  },
  {
    name: 'resent, removed under another epoch',
    commit: nextCommit(A, 3),
    isResent: true,
    removed: removed(5, 1, 1),
    expected: 'refused: seq',
  },
  // Seq 0 stands for an actor that does not exist.
  { name: 'an orphan', commit: nextCommit(A, 0), expected: 'apply' },
  {
    name: 'an orphan resent, removed before',
    commit: { ...nextCommit(A, 0), at: 1_000 },
    isResent: true,
    removed: removed(5),
    expected: 'apply',
  },
  { name: 'an orphan of one that lives', commit: nextCommit(A, 0), stored: stored(4), expected: 'refused: seq' },
  {
    name: 'an orphan resent of one that lives',
    commit: nextCommit(A, 0),
    isResent: true,
    stored: stored(4),
    expected: 'refused: seq',
  },
])('rules 5 and 7: $name: $expected', ({ commit, isResent, stored: progress, removed: former, expected }) => {
  const verdict = decideCommit({ ...commit, ...(isResent === true && { isResent }) }, progress, () => former);
  expect(verdict === 'apply' ? verdict : outcomeOf(verdict)).toBe(expected);
});
