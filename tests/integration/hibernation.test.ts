/** G13 with threads, SQLite and real time: actors leave memory, and come back as they were. */
import { expect, test } from 'vitest';
import { sleeper, stayer } from '../support/actors-modes.ts';
import type { Note } from '../support/actors-modes.ts';
import { createTestSystem, eventually } from '../support/harness.ts';

const MODES = new URL('../support/actors-modes.ts', import.meta.url);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const numbersOf = (notes: readonly Note[], from: string): number[] =>
  notes.filter((note) => note.from === from).map(({ n }) => n);

test('G6, G13: with room for few, tells and sends between many actors are received once each, in order', async () => {
  await using troupe = await createTestSystem({ actors: [MODES], maxLiveActors: 5 });
  const { system } = troupe;
  const tellers = upTo(10).map((i) => system.actor(stayer, `t${i}`));
  const receivers = upTo(20).map((i) => system.actor(stayer, `r${i}`));
  for (const n of upTo(5)) {
    const tells = receivers.flatMap(({ address }) => tellers.map((ref) => ref.send({ type: 'TELL', to: address, n })));
    const sends = receivers.map((ref) => ref.send({ type: 'NOTE', from: 'main', n }, { id: `note-${n}` }));
    const again = receivers.map((ref) => ref.send({ type: 'NOTE', from: 'main', n }, { id: `note-${n}` }));
    await Promise.all([...tells, ...sends, ...again]);
  }
  for (const ref of receivers) {
    const notes = await eventually(
      () => ref.ask({ type: 'LIST' }),
      (seen) => seen.length === 55,
    );
    for (const from of ['main', ...tellers.map(({ address }) => address)])
      expect(numbersOf(notes, from)).toEqual(upTo(5));
  }
});

test('G11, G13: timers and scheduled events wake actors that have left memory, and the system restarts in between', async () => {
  await using troupe = await createTestSystem({ actors: [MODES] });
  const refs = upTo(20).map((i) => troupe.system.actor(sleeper, `a${i}`));
  await Promise.all(refs.map((ref) => ref.send({ type: 'WAIT', ms: 600 })));
  await Promise.all(refs.map((ref) => ref.schedule('k', { type: 'NOTE', from: 'later', n: 1 }, { afterMs: 600 })));
  await troupe.restart();
  for (const { address } of refs) {
    const ref = troupe.system.actor(sleeper, address.slice('sleeper/'.length));
    const notes = await eventually(
      () => ref.ask({ type: 'LIST' }),
      (seen) => seen.length >= 2,
    );
    expect(notes.map(({ from }) => from).toSorted()).toEqual(['later', 'timer']);
  }
});
