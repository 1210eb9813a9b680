/** S8, H7: how many sessions each host may keep live. */
import { expect, test } from 'vitest';
import { sessionsOf } from '../../../src/system/health.ts';

test.each([
  { sessions: 10, hosts: 4, expected: [3, 3, 2, 2] },
  { sessions: 100, hosts: 4, expected: [25, 25, 25, 25] },
  { sessions: 7, hosts: 1, expected: [7] },
  { sessions: 4, hosts: 4, expected: [1, 1, 1, 1] },
  { sessions: 1, hosts: 4, expected: [1, 1, 1, 1] },
])('S8, H7: $hosts hosts share $sessions sessions as $expected', ({ sessions, hosts, expected }) => {
  expect(Array.from({ length: hosts }, (_, host) => sessionsOf(host, hosts, sessions))).toEqual(expected);
});
