/** What the undamaged store of a damage run must show: what was put into it, known apart from what reads it. */
import { deepStrictEqual } from 'node:assert';
import type { Panorama, Sight } from './corrupt-look.ts';
import { KEPT } from './corrupt-stores.ts';
import type { Planned } from './corrupt-stores.ts';

/** @throws {AssertionError} when a look at the undamaged store shows something else. */
export function assertTrue(truth: Panorama, planned: readonly Planned[]): void {
  for (const plan of planned) if (plan.kind === 'actor') assertActor(plan, truth.actors.get(plan.address) as Sight);
  for (const [key, value] of Object.entries(KEPT)) deepStrictEqual(truth.kept.get(key), { value });
  deepStrictEqual(truth.letters, { value: [] });
}

function assertActor({ address, notes, waiting, isHeld, isWorking }: Planned, { view, log }: Sight): void {
  const { value, status, context } = (view as { readonly value: Record<string, unknown> }).value;
  const all = [...notes, ...waiting];
  const { sum, notes: noted } = context as { readonly sum: number; readonly notes: readonly number[] };
  deepStrictEqual(noted, all, address);
  deepStrictEqual([status, value], [isHeld ? 'quarantined' : 'active', isWorking ? 'working' : 'idle'], address);
  const sums = all.map((_, index) => all.slice(0, index + 1).reduce((a, b) => a + b, 0));
  deepStrictEqual(sum, sums.at(-1), address);
  const logged = (log as { readonly value: readonly { readonly sum: number }[] }).value;
  deepStrictEqual(
    logged.map((entry) => entry.sum),
    sums,
    address,
  );
}
