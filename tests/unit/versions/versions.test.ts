/** Values with versions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, Version } from '../../../src/index.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';

test('versions are created, written, read and listed, each under its number', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  expect(await versions.create('plan', { steps: 1 })).toMatchObject({ version: 1, value: { steps: 1 } });
  expect(await versions.put('plan', { steps: 2 }, { base: 1 })).toBe(2);
  expect(await versions.put('plan', null, { onConflict: 'last-write-wins' })).toBe(3);
  expect(await versions.get('plan')).toMatchObject({ version: 3, value: null });
  expect(await versions.get('plan', 2)).toMatchObject({ version: 2, value: { steps: 2 } });
  expect((await versions.list('plan', { after: 1 })).map(({ version }) => version)).toEqual([2, 3]);
  const unknown = await failureOf(versions.get('plan', 9), 'ERR_HISTORY_UNKNOWN');
  expect(unknown.message).toBe(
    "Version 9 of 'plan' is not kept; the last is 3. List what is kept with versions.list('plan').",
  );
  await versions.delete('plan');
  await failureOf(versions.get('plan'), 'ERR_ACTOR_NOT_FOUND');
  await failureOf(versions.list('plan'), 'ERR_ACTOR_NOT_FOUND');
  await failureOf(versions.put('plan', 1, { base: 1 }), 'ERR_ACTOR_NOT_FOUND');
});

test('of many who create a name, one does', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  const made = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => versions.create('a', i)));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect((await versions.list('a')).length).toBe(1);
  await failureOf(versions.create('a', 0), 'ERR_ACTOR_EXISTS');
});

test('G18: a write that comes too late is rejected, wins, or is merged, as it asked', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  await versions.create('a', { x: 0, y: 0 });
  await versions.put('a', { x: 1, y: 0 }, { base: 1 });
  const error = await failureOf(versions.put('a', { x: 0, y: 1 }, { base: 1 }), 'ERR_CONFLICT');
  expect(error.details).toEqual({ name: 'a', base: 1, version: 2 });
  const seen: Json[][] = [];
  const merge = (base: Json | undefined, mine: Json, theirs: Json): Json => {
    seen.push([base as Json, mine, theirs]);
    return { ...(theirs as object), y: (mine as { y: number }).y };
  };
  expect(await versions.put('a', { x: 0, y: 1 }, { base: 1, onConflict: merge })).toBe(3);
  expect(seen).toEqual([
    [
      { x: 0, y: 0 },
      { x: 0, y: 1 },
      { x: 1, y: 0 },
    ],
  ]);
  expect((await versions.get('a')).value).toEqual({ x: 1, y: 1 });
  expect(await versions.put('a', 'forced', { base: 1, onConflict: 'last-write-wins' })).toBe(4);
});

test('G18: merged writes of many at once are all in the last version', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 2, max: 8 }), async (seed, writers) => {
      await using troupe = await createSimulatedSystem({ seed });
      const { versions } = troupe.system;
      await versions.create('set', []);
      const union = (_: Json | undefined, mine: Json, theirs: Json): Json => [
        ...(theirs as number[]),
        ...(mine as number[]),
      ];
      await Promise.all(
        Array.from({ length: writers }, (_, i) => versions.put('set', [i], { base: 1, onConflict: union })),
      );
      const { value, version } = await versions.get('set');
      expect((value as number[]).toSorted((a, b) => a - b)).toEqual(Array.from({ length: writers }, (_, i) => i));
      expect(version).toBe(writers + 1);
    }),
    { numRuns: 20 },
  );
});

test('only so many versions are kept', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  await versions.create('a', 1, { keep: 4 });
  for (let i = 2; i <= 20; i++) await versions.put('a', i, { base: i - 1 });
  expect((await versions.list('a')).map(({ version, value }) => [version, value])).toEqual(
    [17, 18, 19, 20].map((n) => [n, n]),
  );
  await failureOf(versions.get('a', 16), 'ERR_HISTORY_UNKNOWN');
});

test('a reader that follows sees the last version at its pace, also one made later, and nothing once it has stopped', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  const seen: number[] = [];
  const following = versions.follow('a', { everyMs: 100 }, ({ version }: Version) => void seen.push(version));
  await troupe.env.advance(250);
  expect(seen).toEqual([]);
  await versions.create('a', 0);
  await troupe.env.advance(100);
  expect(seen).toEqual([1]);
  await versions.put('a', 1, { base: 1 });
  await versions.put('a', 2, { base: 2 });
  await troupe.env.advance(1000);
  expect(seen).toEqual([1, 3]);
  await following.stop();
  await versions.put('a', 3, { base: 3 });
  await troupe.env.advance(1000);
  expect(seen).toEqual([1, 3]);
});

test('a listener that throws gets the same version again, and its error is told', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  await versions.create('a', 0);
  const errors: unknown[] = [];
  const seen: number[] = [];
  const listener = ({ version }: Version) => {
    if (seen.push(version) === 1) throw new Error('not yet');
  };
  await using _following = versions.follow('a', { onError: (error) => void errors.push(error) }, listener);
  await troupe.env.advance(3500);
  expect({ seen, errors: errors.map(String) }).toEqual({ seen: [1, 1], errors: ['Error: not yet'] });
});

test('an onError that throws is logged, and the reader goes on', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  await versions.create('a', 0);
  let tries = 0;
  const onError = () => {
    throw new Error('worse');
  };
  const listener = () => {
    if (++tries < 3) throw new Error('not yet');
  };
  await using _following = versions.follow('a', { onError }, listener);
  await troupe.env.advance(3500);
  expect(tries).toBe(3);
  const said = troupe.logs.filter(({ text }) => text === 'onError of versions.follow() threw');
  expect(said).toHaveLength(2);
});

test('a reader ends with its system, which is told once', async () => {
  const troupe = await createSimulatedSystem();
  const errors: unknown[] = [];
  troupe.system.versions.follow('a', { onError: (error) => void errors.push(error) }, () => undefined);
  await troupe.system.stop();
  await troupe.env.advance(5000);
  expect(errors).toMatchObject([{ code: 'ERR_SYSTEM_STOPPED' }]);
});

test('creating tells version 1, also when others have written so much that it is gone', async () => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  const created = versions.create('a', 'first', { keep: 1 });
  const puts = Array.from({ length: 20 }, (_, i) =>
    versions.put('a', i, { onConflict: 'last-write-wins' }).catch(() => undefined),
  );
  expect(await created).toMatchObject({ version: 1, value: 'first' });
  await Promise.all(puts);
});

test.each([
  { call: 'put', args: ['a', 1], says: "Option 'base' of versions.put() is undefined. Pass the version" },
  {
    call: 'put',
    args: ['a', 1, { base: 1, onConflict: 'merge' }],
    says: "Use 'reject', 'last-write-wins', or a function",
  },
  { call: 'get', args: ['a', 0], says: "Option 'version' of versions.get() is 0 (a number)" },
  { call: 'create', args: ['a', 1, { keep: 0 }], says: "Option 'keep' of versions.create() is 0 (a number)" },
  { call: 'create', args: ['a', 'x'.repeat(1_000_000)], says: 'more than 1000000' },
] as const)('$call refuses $says', async ({ call, args, says }) => {
  await using troupe = await createSimulatedSystem();
  const { versions } = troupe.system;
  const called = (versions[call] as (...given: readonly unknown[]) => Promise<unknown>).apply(versions, [...args]);
  expect((await failureOf(called, 'ERR_OPTIONS_INVALID')).message).toContain(says);
});
