/** Where actors live: shared hosts by their address, their own host where main has put them. */
import { expect, test } from 'vitest';
import { Definitions } from '../../../src/actor/definitions.ts';
import { Routes } from '../../../src/thread/routes.ts';
import { sleeper, solo } from '../../support/actors-modes.ts';

function createRoutes(workers: number): Routes {
  const definitions = new Definitions();
  for (const definition of [sleeper, solo]) definitions.add(definition, 'test');
  return new Routes(workers, definitions);
}

test('shared actors spread over all hosts, and always over the same', () => {
  const routes = createRoutes(4);
  const indexes = Array.from({ length: 400 }, (_, i) => routes.indexOf(`sleeper/a${i}` as never));
  expect(new Set(indexes)).toEqual(new Set([0, 1, 2, 3]));
  expect(createRoutes(4).indexOf('sleeper/a7' as never)).toBe(routes.indexOf('sleeper/a7' as never));
  expect(routes.isDedicated('sleeper/a7' as never)).toBe(false);
});

test('a dedicated actor lives nowhere until it is put somewhere, and nowhere again when its thread has gone', () => {
  const routes = createRoutes(2);
  const address = 'solo/a' as never;
  expect([routes.isDedicated(address), routes.indexOf(address)]).toEqual([true, undefined]);
  routes.set(address, 7);
  expect([routes.indexOf(address), [...routes.placed]]).toEqual([7, [[address, 7]]]);
  routes.set(address, undefined);
  expect([routes.indexOf(address), [...routes.placed]]).toEqual([undefined, []]);
});

test('a shared actor may be put elsewhere for a while, and is at home again afterwards', () => {
  const routes = createRoutes(2);
  const address = 'sleeper/a' as never;
  const home = routes.indexOf(address);
  routes.set(address, 7);
  expect(routes.indexOf(address)).toBe(7);
  routes.set(address, undefined);
  expect(routes.indexOf(address)).toBe(home);
});
