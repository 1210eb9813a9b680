/** The rules of the store contract that make effectively-once true: consumption, idempotency, resending, removal. */
import { expect, test } from 'vitest';
import type { Commit, Store } from '../../src/store/store.ts';
import {
  actorAt,
  commitOne,
  delta,
  firstCommit,
  nextCommit,
  outcomeOf,
  snapshot,
  tell,
  waitingIds,
  waitingKeys,
} from '../support/store-commits.ts';

const A = actorAt('a');
const B = actorAt('b');
const C = actorAt('c');

/** Registers rules 1, 2, 4, 5 and 7. `current` is the store of the running test. */
export function storeRulesContract(current: () => Store): void {
  consumption(current);
  idempotency(current);
  resending(current);
  racing(current);
  removal(current);
}

function consumption(current: () => Store): void {
  test('rule 1, G3: a row goes with the commit that consumes it, and is never consumed twice', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, 'one'), tell(A, 'two')] })]);
    const [one, two] = await waitingKeys(current(), A);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed: [one!] })))).toBe('done');
    expect(await waitingIds(current(), A)).toEqual(['two']);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { consumed: [one!, two!] })))).toBe('refused: inbox');
    expect(await waitingIds(current(), A)).toEqual(['two']);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { consumed: [two!] })))).toBe('done');
    expect(await waitingIds(current(), A)).toEqual([]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 4, { consumed: [two!] })))).toBe('refused: inbox');
    expect(await current().load(A)).toMatchObject({ seq: 3 });
  });

  test('rule 1, G3: a row named twice in one commit is not there the second time', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, 'one')] })]);
    const [one] = await waitingKeys(current(), A);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed: [one!, one!] })))).toBe('refused: inbox');
    expect(await waitingIds(current(), A)).toEqual(['one']);
  });

  test('rule 1, G3: within one batch the first consumer gets the row', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, 'one')] })]);
    const consumed = await waitingKeys(current(), A);
    const results = await current().commit([
      nextCommit(A, 2, { consumed }),
      nextCommit(A, 3, { consumed }),
      nextCommit(A, 3),
    ]);
    expect(results.map(outcomeOf)).toEqual(['done', 'refused: inbox', 'done']);
  });

  test('rule 1: only the receiver consumes a row, and only under its sender', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, 'one')] }), firstCommit(C)]);
    const { pos } = (await waitingKeys(current(), A))[0]!;
    expect(outcomeOf(await commitOne(current(), nextCommit(C, 2, { consumed: [{ sender: B, pos }] })))).toBe(
      'refused: inbox',
    );
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed: [{ sender: C, pos }] })))).toBe(
      'refused: inbox',
    );
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed: [{ sender: B, pos }] })))).toBe('done');
  });

  test('rule 1: a row can create its receiver, and an actor can tell itself', async () => {
    await current().commit([
      firstCommit(A, { inbox: [{ receiver: B, kind: 'create', id: 'c', text: '{"input":1}' }, tell(A, 'self')] }),
    ]);
    expect(outcomeOf(await commitOne(current(), firstCommit(B, { consumed: await waitingKeys(current(), B) })))).toBe(
      'done',
    );
    const consumed = await waitingKeys(current(), A);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { consumed, inbox: [tell(A, 'again')] })))).toBe(
      'done',
    );
    expect(await waitingIds(current(), A)).toEqual(['again']);
    expect(await current().inbox(B)).toEqual([]);
  });

  test('rule 1, G1: rows for an actor that does not exist leave as dead letters, once, and create nobody', async () => {
    await current().commit([firstCommit(B, { inbox: [tell(A, 'one'), tell(A, 'two')] })]);
    const consumed = await waitingKeys(current(), A);
    const deadLetters = ['one', 'two'].map((id) => ({ id, sender: B, text: '{}', error: '{}', attempts: 0 }));
    const { state: _state, ...orphan } = nextCommit(A, 0, { consumed, deadLetters });
    expect(outcomeOf(await commitOne(current(), orphan))).toBe('done');
    expect(await current().load(A)).toBeUndefined();
    expect(await current().inbox(A)).toEqual([]);
    expect((await current().deadLetters({ address: A })).map(({ id }) => id)).toEqual(['one', 'two']);
    expect(outcomeOf(await commitOne(current(), orphan))).toBe('refused: inbox');
    expect(outcomeOf(await commitOne(current(), { ...orphan, isResent: true }))).toBe('repeated');
    expect(await current().deadLetters()).toHaveLength(2);
    await current().commit([firstCommit(A), nextCommit(B, 2, { inbox: [tell(A, 'three')] })]);
    const late = { ...orphan, consumed: await waitingKeys(current(), A) };
    expect(outcomeOf(await commitOne(current(), late))).toBe('refused: seq');
    expect(outcomeOf(await commitOne(current(), { ...late, isResent: true }))).toBe('refused: seq');
  });

  test('dead letters of what never reached an actor stand beside it, and change nothing of it', async () => {
    await current().commit([firstCommit(A)]);
    const before = await current().load(A);
    const deadLetters = [{ id: 'one', sender: B, text: '{}', error: '{}', attempts: 1 }];
    const { state: _state, ...letters } = nextCommit(A, 0, { deadLetters });
    expect(outcomeOf(await commitOne(current(), letters))).toBe('done');
    expect(await current().deadLetters({ address: A })).toMatchObject([{ id: 'one', address: A }]);
    expect(await current().load(A)).toEqual(before);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2)))).toBe('done');
    const more = { ...letters, inbox: [tell(B, 'two')] };
    expect(outcomeOf(await commitOne(current(), more))).toBe('refused: seq');
  });

  test('an inbox row comes back as it was sent', async () => {
    const text = '{"type":"HELLO","text":"Grüße 🚀 \\u0000"}';
    const [result] = await current().commit([
      firstCommit(A, { at: 77, inbox: [{ receiver: B, kind: 'stop', id: 'id-1', text }] }),
    ]);
    const positions = result?.outcome === 'done' ? result.positions : undefined;
    expect(await current().inbox(B)).toEqual([
      { pos: positions?.[0]?.pos, receiver: B, sender: A, kind: 'stop', id: 'id-1', at: 77, text },
    ]);
  });

  test('G4: positions grow in commit order over all receivers, and pages follow them', async () => {
    const first = await current().commit([
      firstCommit(A, { inbox: [tell(B, '1'), tell(C, '2')] }),
      firstCommit(B, { inbox: [tell(C, '3')] }),
    ]);
    const second = await current().commit([nextCommit(A, 2, { inbox: [tell(C, '4'), tell(B, '5')] })]);
    const all = [...first, ...second].flatMap((result) => (result.outcome === 'done' ? (result.positions ?? []) : []));
    const positions = all.map(({ pos }) => pos);
    expect(positions).toHaveLength(5);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(5);
    expect(positions[0]).toBeGreaterThan(0);
    expect(await waitingIds(current(), C)).toEqual(['2', '3', '4']);
    const page = await current().inbox(C, { limit: 2 });
    expect(page.map(({ id }) => id)).toEqual(['2', '3']);
    expect((await current().inbox(C, { afterPos: page[1]!.pos, limit: 2 })).map(({ id }) => id)).toEqual(['4']);
  });

  test('rule 2: previousPos is the latest row of the same sender to the same receiver that still waits', async () => {
    const positionsOf = async (commit: Commit) => {
      const result = await commitOne(current(), commit);
      return result.outcome === 'done' ? (result.positions ?? []) : [];
    };
    await current().commit([firstCommit(B), firstCommit(C, { inbox: [tell(B, 'of another sender')] })]);
    const [one, two, other] = await positionsOf(firstCommit(A, { inbox: [tell(B, '1'), tell(B, '2'), tell(C, 'x')] }));
    expect(one?.previousPos).toBe(0);
    expect(two?.previousPos).toBe(one?.pos);
    expect(other?.previousPos).toBe(0);
    const [three] = await positionsOf(nextCommit(A, 2, { inbox: [tell(B, '3')] }));
    expect(three?.previousPos).toBe(two?.pos);
    const key = (position: { pos: number } | undefined) => ({ sender: A, pos: position!.pos });
    await current().commit([nextCommit(B, 2, { consumed: [key(three)] })]);
    const [four] = await positionsOf(nextCommit(A, 3, { inbox: [tell(B, '4')] }));
    expect(four?.previousPos).toBe(two?.pos);
    await current().commit([nextCommit(B, 3, { consumed: [key(one), key(two), key(four)] })]);
    const [five] = await positionsOf(nextCommit(A, 4, { inbox: [tell(B, '5')] }));
    expect(five?.previousPos).toBe(0);
  });
}

function idempotency(current: () => Store): void {
  test('rule 4, G6: an id is recorded once per actor, and its reply is kept', async () => {
    await current().commit([
      firstCommit(A, { at: 5, idempotency: [{ id: 'msg-9', reply: '{"text":"hi"}' }, { id: 'msg-10' }] }),
      firstCommit(B),
    ]);
    expect(await current().idempotency(A, 'msg-9')).toEqual({ id: 'msg-9', reply: '{"text":"hi"}', at: 5 });
    expect(await current().idempotency(A, 'msg-10')).toEqual({ id: 'msg-10', reply: null, at: 5 });
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { idempotency: [{ id: 'msg-9' }] })))).toBe(
      'refused: idempotency',
    );
    expect(outcomeOf(await commitOne(current(), nextCommit(B, 2, { idempotency: [{ id: 'msg-9' }] })))).toBe('done');
    expect(await current().idempotency(A, 'msg-9')).toMatchObject({ reply: '{"text":"hi"}' });
  });

  test('rule 4: the same id twice in one commit is refused', async () => {
    await current().commit([firstCommit(A)]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { idempotency: [{ id: 'x' }, { id: 'x' }] })))).toBe(
      'refused: idempotency',
    );
    expect(await current().idempotency(A, 'x')).toBeUndefined();
  });

  test('rule 4: a later commit adds the reply; a reply to an unknown id is nothing', async () => {
    await current().commit([firstCommit(A, { idempotency: [{ id: 'ask-1' }] })]);
    await current().commit([
      nextCommit(A, 2, {
        replies: [
          { id: 'ask-1', reply: '42' },
          { id: 'gone', reply: '1' },
        ],
      }),
    ]);
    expect(await current().idempotency(A, 'ask-1')).toMatchObject({ reply: '42' });
    expect(await current().idempotency(A, 'gone')).toBeUndefined();
  });

  test('rule 4: sweeping removes rows older than the retention, and their ids are new again', async () => {
    await current().commit([
      firstCommit(A, { at: 10, idempotency: [{ id: 'old' }] }),
      nextCommit(A, 2, { at: 20, idempotency: [{ id: 'young' }] }),
    ]);
    expect(await current().sweepIdempotency(20)).toBe(1);
    expect(await current().idempotency(A, 'old')).toBeUndefined();
    expect(await current().idempotency(A, 'young')).toBeDefined();
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { idempotency: [{ id: 'old' }] })))).toBe('done');
  });
}

function resending(current: () => Store): void {
  test('rules 5 and 7, G3: a resent commit that was applied counts as repeated and changes nothing', async () => {
    const batch = [
      firstCommit(A, { inbox: [tell(B, '1')], idempotency: [{ id: 'i' }], log: ['"l"'] }),
      nextCommit(A, 2, { inbox: [tell(B, '2')] }),
    ];
    await current().commit(batch);
    const again = batch.map((commit) => ({ ...commit, isResent: true }));
    expect((await current().commit(again)).map(outcomeOf)).toEqual(['repeated', 'repeated']);
    expect(await waitingIds(current(), B)).toEqual(['1', '2']);
    expect(await current().log(A)).toHaveLength(1);
    expect(await current().load(A)).toMatchObject({ seq: 2, snapshot: { text: '{"n":2}' } });
  });

  test('rule 7, G1: a resent commit that was not applied is applied', async () => {
    await current().commit([firstCommit(A)]);
    const resent = [nextCommit(A, 2, { isResent: true }), nextCommit(A, 3, { isResent: true, inbox: [tell(B, '1')] })];
    expect((await current().commit(resent)).map(outcomeOf)).toEqual(['done', 'done']);
    expect(await current().load(A)).toMatchObject({ seq: 3 });
  });

  test('rule 7: a resent consumption whose rows are gone is repeated, not refused', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, '1')] })]);
    const commit = nextCommit(A, 2, { consumed: await waitingKeys(current(), A) });
    await current().commit([commit]);
    expect(outcomeOf(await commitOne(current(), { ...commit, isResent: true }))).toBe('repeated');
    expect(outcomeOf(await commitOne(current(), commit))).toBe('refused: seq');
  });

  test('rule 7: a gap is refused, resent or not', async () => {
    await current().commit([firstCommit(A)]);
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 3, { isResent: true })))).toBe('refused: seq');
    expect(outcomeOf(await commitOne(current(), nextCommit(B, 2, { isResent: true })))).toBe('refused: seq');
  });
}

function racing(current: () => Store): void {
  test('rule 5, G4: of commits that race for one place exactly one gets it, whoever waits for whom', async () => {
    await current().commit([firstCommit(A), firstCommit(B)]);
    const contenders = Array.from({ length: 20 }, (_, n) => nextCommit(A, 2, { inbox: [tell(C, String(n))] }));
    const results = await Promise.all(contenders.map((commit) => commitOne(current(), commit)));
    const outcomes = results.map(outcomeOf);
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'refused: seq')).toHaveLength(19);
    expect(await waitingIds(current(), C)).toEqual([String(outcomes.indexOf('done'))]);
  });

  test('rule 5: of an old owner and the new one, only the new one commits after the fence, each fence counts', async () => {
    await current().commit([firstCommit(A)]);
    const epochs = await Promise.all(Array.from({ length: 5 }, () => current().fence(A)));
    expect(epochs.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    for (const epoch of [0, 1, 2, 3, 4, 6])
      expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { epoch })))).toBe('refused: epoch');
    expect(outcomeOf(await commitOne(current(), nextCommit(A, 2, { epoch: 5, version: 9 })))).toBe('done');
    expect(await current().load(A)).toMatchObject({ seq: 2, epoch: 5, version: 9 });
  });

  test('rules 1 and 4, G3: of commits of different batches that race for a row or an id, one gets it', async () => {
    await current().commit([firstCommit(A), firstCommit(B, { inbox: [tell(A, 'one')] })]);
    const consumed = await waitingKeys(current(), A);
    const racers = [2, 3, 4].map((seq) =>
      commitOne(current(), nextCommit(A, seq, { consumed, idempotency: [{ id: 'i' }] })),
    );
    const outcomes = (await Promise.all(racers)).map(outcomeOf);
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
    expect(await current().load(A)).toMatchObject({ seq: 2 });
    expect(await waitingIds(current(), A)).toEqual([]);
  });
}

function removal(current: () => Store): void {
  const full: Partial<Commit> = {
    log: ['"l"'],
    idempotency: [{ id: 'i' }],
    inbox: [tell(A, 'to-self'), tell(C, 'sent')],
    outbox: [{ kind: 'deliver', id: 'o', target: 't', text: '{}' }],
    deadLetters: [{ id: 'd', sender: 'x', text: '{}', error: '{}', attempts: 3 }],
    inFlight: '[1]',
  };

  test('a removal takes every row of the actor but those it sent', async () => {
    const large = snapshot(`"${'x'.repeat(100_000)}"`);
    await current().commit([
      firstCommit(A, { ...full, state: large }),
      nextCommit(A, 2, { state: delta('d') }),
      firstCommit(B, { inbox: [tell(A, 'from-b')] }),
    ]);
    const result = await commitOne(current(), nextCommit(A, 3, { isRemoval: true, inbox: [tell(B, 'child-ended')] }));
    expect(outcomeOf(result)).toBe('done');
    expect(await current().load(A)).toBeUndefined();
    expect(await current().inbox(A)).toEqual([]);
    expect(await current().log(A)).toEqual([]);
    expect(await current().idempotency(A, 'i')).toBeUndefined();
    expect(await current().deadLetters()).toEqual([]);
    expect(await waitingIds(current(), C)).toEqual(['sent']);
    expect(await waitingIds(current(), B)).toEqual(['child-ended']);
    expect((await current().outbox()).map(({ id }) => id)).toEqual(['o']);
    expect((await current().recoverable()).map(({ address }) => address)).toEqual([B, C]);
  });

  test('after a removal the address is free: the next actor of that name starts empty', async () => {
    await current().commit([firstCommit(A, full), nextCommit(A, 2, { isRemoval: true })]);
    expect(outcomeOf(await commitOne(current(), firstCommit(A, { at: 9_000 })))).toBe('done');
    expect(await current().load(A)).toMatchObject({ seq: 1, deltas: [], inFlight: null, createdAt: 9_000 });
    await current().commit([nextCommit(A, 2, { log: ['"first"'] })]);
    expect(await current().log(A)).toMatchObject([{ n: 1, text: '"first"' }]);
  });

  test('rule 7, G3: commits of a removed actor that come again are repeated and do not bring it back', async () => {
    const batch = [firstCommit(A, { inbox: [tell(B, '1')] }), nextCommit(A, 2), nextCommit(A, 3, { isRemoval: true })];
    await current().commit(batch);
    const again = batch.map((commit) => ({ ...commit, isResent: true }));
    expect((await current().commit(again)).map(outcomeOf)).toEqual(['repeated', 'repeated', 'repeated']);
    expect(await current().load(A)).toBeUndefined();
    expect(await waitingIds(current(), B)).toEqual(['1']);
  });

  test('rule 7, G1: the next actor of the name is created, also when that commit comes resent', async () => {
    await current().commit([firstCommit(A, { at: 1 }), nextCommit(A, 2, { isRemoval: true })]);
    expect(outcomeOf(await commitOne(current(), firstCommit(A, { at: 2, isResent: true })))).toBe('done');
    expect(await current().load(A)).toMatchObject({ seq: 1, createdAt: 2 });
  });
}
