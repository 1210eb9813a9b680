import { describe, expect, test } from 'vitest';
import { TreeModel } from '../../support/tree-model.ts';
import { addressOf, createTree, placesFrom } from '../../support/tree-shape.ts';
import type { TreePlace, TreeType } from '../../support/tree-shape.ts';

const leafOf = (key: string, type: TreeType = 'leaf'): TreePlace => ({ type, key, children: [] });

/** `a`, a parent `b` over `b1` and the temporary `b2`, the temporary `c`, `d`; all below a parent of that strategy below a root. */
function createFamily(type: TreeType): TreeModel {
  const b: TreePlace = { type: 'one', key: 'b', children: [leafOf('b1'), leafOf('b2', 'brief')] };
  const parent: TreePlace = { type, key: 'p', children: [leafOf('a'), b, leafOf('c', 'brief'), leafOf('d')] };
  return new TreeModel({ type: 'all', key: 'r', children: [parent, leafOf('z')] });
}

const NOBODY = { restarts: [], stops: [] };

describe('whom a failure concerns', () => {
  test('one-for-one: nobody else', () => {
    const model = createFamily('one');
    expect(model.ordersAfter('leaf/a', new Map())).toEqual(NOBODY);
    expect(model.ordersAfter('one/b', new Map())).toEqual(NOBODY);
  });

  test('one-for-all: all others, with everything below; temporary ones are stopped', () => {
    expect(createFamily('all').ordersAfter('leaf/d', new Map())).toEqual({
      restarts: ['leaf/a', 'one/b', 'leaf/b1'],
      stops: ['brief/b2:0', 'brief/c:0'],
    });
  });

  test('rest-for-one: those started later, and what is below the one that failed', () => {
    const model = createFamily('rest');
    expect(model.ordersAfter('leaf/a', new Map()).restarts).toEqual(['one/b', 'leaf/b1', 'leaf/d']);
    expect(model.ordersAfter('one/b', new Map())).toEqual({
      restarts: ['leaf/d', 'leaf/b1'],
      stops: ['brief/c:0', 'brief/b2:0'],
    });
    expect(model.ordersAfter('leaf/d', new Map())).toEqual(NOBODY);
  });

  test('rest-for-one: a temporary one that followed another was started last', () => {
    const { stops } = createFamily('rest').ordersAfter('leaf/d', new Map([['c', 2]]));
    expect(stops).toEqual(['brief/c:2']);
  });

  test('a temporary one that fails ends, and concerns nobody; nor does the root', () => {
    expect(createFamily('all').ordersAfter('brief/c:3', new Map([['c', 3]]))).toEqual(NOBODY);
    expect(createFamily('all').ordersAfter('all/r', new Map())).toEqual(NOBODY);
  });

  test('a parent that fails is bound to its own siblings, and what is below it goes with it', () => {
    const { restarts } = createFamily('one').ordersAfter('one/p', new Map());
    expect(restarts).toEqual(['leaf/z', 'leaf/a', 'one/b', 'leaf/b1', 'leaf/d']);
  });
});

test('the tree has 200 actors, each at an address of its own, under every strategy at two levels', () => {
  const root = createTree();
  const addresses = placesFrom(root).map((place) => addressOf(place));
  expect(new Set(addresses).size).toBe(200);
  expect(new Set(root.children.map(({ type }) => type))).toEqual(new Set(['one', 'all', 'rest', 'leaf']));
  for (const { type, children } of root.children.filter(({ type }) => type !== 'leaf')) {
    const below = new Set(children.map((child) => child.type));
    expect([type, ['one', 'all', 'rest', 'brief'].every((each) => below.has(each as TreeType))]).toEqual([type, true]);
  }
});
