/** R11, G9: the tree of actors as data. */
import { expect, test } from 'vitest';
import { ROOT } from '../../../src/actor/address.ts';
import type { Address } from '../../../src/actor/address.ts';
import { createMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { ActorStatus, Store } from '../../../src/store/store.ts';
import { readTree } from '../../../src/system/tree.ts';
import type { ActorTree, TreeNode, TreeOptions } from '../../../src/system/tree.ts';
import { member } from '../../support/actors-family.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';
import { firstCommit } from '../../support/store-commits.ts';

interface Family {
  readonly store: Store;
  /** Actors in order of start, each with its parent. */
  add(pairs: Readonly<Record<string, string>>, status?: ActorStatus): Promise<void>;
  read(from?: string, options?: TreeOptions): Promise<ActorTree>;
  reads(): number;
}

function createFamily(): Family {
  const store = createMemoryStore();
  let reads = 0;
  const call = (method: 'list', ...args: Parameters<Store['list']>) => {
    reads++;
    return store[method](...args);
  };
  return {
    store,
    reads: () => reads,
    add: async (pairs, status = 'active') => {
      const commits = Object.entries(pairs).map(([address, parent]) => {
        const type = address.slice(0, address.indexOf('/'));
        const actor = { type, parent: parent as Address, meta: '{}' };
        return firstCommit(address as Address, { status, actor });
      });
      await store.commit(commits);
    },
    read: (from, options) => readTree({ call } as never, from as Address | undefined, options),
  };
}

/** A tree in short: an address, and what is below it. */
function toText({ address, children, isCut, isCycle }: Omit<TreeNode, 'isCut'> & { isCut?: boolean }): string {
  const marks = `${isCut === true ? '!' : ''}${isCycle ? '~' : ''}`;
  return `${address}${marks}${children.length > 0 ? `(${children.map(toText).join(' ')})` : ''}`;
}

test('R11: under the root the types, then actors and their children, in order of start', async () => {
  const { add, read } = createFamily();
  await add({ 'b/2': ROOT, 'a/1': ROOT, 'b/1': ROOT, 'c/9': 'b/2', 'c/1': 'b/2', 'a/5': 'c/1' });
  expect(toText(await read())).toBe('system/root(b(b/2(c/9 c/1(a/5)) b/1) a(a/1))');
  expect(toText(await read('b/2'))).toBe('b/2(c/9 c/1(a/5))');
  expect(toText(await read('a/5'))).toBe('a/5');
  expect(toText(await read(ROOT))).toBe(toText(await read()));
});

test('R11: nodes tell type and status; an empty tree is a root', async () => {
  const { add, read } = createFamily();
  expect(await read()).toEqual({ address: ROOT, type: 'system', status: 'active', children: [], isCut: false });
  await add({ 'a/1': ROOT }, 'quarantined');
  expect(await read()).toEqual({
    address: ROOT,
    type: 'system',
    status: 'active',
    isCut: false,
    children: [
      {
        address: 'a',
        type: 'a',
        status: 'active',
        children: [{ address: 'a/1', type: 'a', status: 'quarantined', children: [] }],
      },
    ],
  });
});

test('R11: thousands of actors come by pages, none left out', async () => {
  const { add, read } = createFamily();
  const of = (prefix: string, count: number, parent: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, parent]));
  await add({ 'boss/1': ROOT, ...of('top/', 2500, ROOT), ...of('sub/', 2500, 'boss/1') });
  const tree = await read();
  expect(tree.isCut).toBe(false);
  expect(tree.children.map(({ children }) => children.length)).toEqual([1, 2500]);
  expect(tree.children[0]?.children[0]?.children.map(({ address }) => address)).toEqual(
    Array.from({ length: 2500 }, (_, n) => `sub/${n}`),
  );
});

test.each([
  [1, 'system/root!(a!(a/1!))'],
  [2, 'system/root!(a(a/1!) b(b/1!))'],
  [3, 'system/root!(a(a/1!(c/1!)) b(b/1!))'],
  [4, 'system/root!(a(a/1(c/1! c/2!)) b(b/1!))'],
  [5, 'system/root!(a(a/1(c/1! c/2)) b(b/1(c/3)))'],
  [6, 'system/root(a(a/1(c/1(d/1) c/2)) b(b/1(c/3)))'],
])('R11, G14: a limit of %i leaves out what is farthest from the top, and says so', async (limit, text) => {
  const { add, read } = createFamily();
  await add({ 'a/1': ROOT, 'b/1': ROOT, 'c/1': 'a/1', 'c/2': 'a/1', 'c/3': 'b/1', 'd/1': 'c/1' });
  expect(toText(await read(undefined, { limit }))).toBe(text);
});

test('G14: a cut tree costs no more reads than it shows', async () => {
  const { add, read, reads } = createFamily();
  await add(Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`a/${n}`, ROOT])));
  const tree = await read(undefined, { limit: 100 });
  expect([tree.isCut, tree.children[0]?.children.length, reads()]).toEqual([true, 100, 1]);
});

test('R11: a cycle of parents is cut where it closes, and marked', async () => {
  const { add, read } = createFamily();
  await add({ 'a/1': 'c/1', 'b/1': 'a/1', 'c/1': 'b/1', 'd/1': 'c/1', 'e/1': 'e/1' });
  expect(toText(await read('a/1'))).toBe('a/1(b/1(c/1(a/1~ d/1)))');
  expect(toText(await read('e/1'))).toBe('e/1(e/1~)');
  expect(toText(await read())).toBe('system/root');
});

test.each([0, -1, 1.5, 100_001, Number.NaN, '5', null])('a limit of %o is refused', async (limit) => {
  const { read } = createFamily();
  const error = await failureOf(read(undefined, { limit: limit as number }), 'ERR_OPTIONS_INVALID');
  expect(error.message).toContain("Option 'limit' of tree() is");
});

test('R11, G9: a running system shows its families, and names who does not exist', async () => {
  await using troupe = await createSimulatedSystem({ actors: [member] });
  const { system, run } = troupe;
  const ref = system.actor(member, 'mother');
  await run(ref.send({ type: 'SPAWN', key: 'first' }));
  await run(ref.send({ type: 'SPAWN', key: 'second' }));
  await run(system.actor(member, 'second').send({ type: 'SPAWN', key: 'grandchild' }));
  await run(system.actor(member, 'first').send({ type: 'FINISH', value: 1 }));
  await troupe.env.settle();
  const tree = await run(system.tree());
  expect(toText(tree)).toBe('system/root(member(member/mother(member/first member/second(member/grandchild))))');
  expect((await run(system.tree('member/first' as Address))).status).toBe('done');
  const unknown = await run(failureOf(system.tree('member/nobody' as Address), 'ERR_ACTOR_NOT_FOUND'));
  expect(unknown.message).toContain("'member/nobody' does not exist");
  await run(failureOf(system.tree('nonsense' as Address), 'ERR_ADDRESS'));
});
