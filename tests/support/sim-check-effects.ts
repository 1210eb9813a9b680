/** Checks of a simulated story: effect functions, deliveries, parents and children. */
import { groupBy } from './sim-findings.ts';
import type { Findings } from './sim-findings.ts';
import type { Did, Entry } from './sim-words.ts';

/** A run is completed once, unless it was left, under the one key all its attempts had; what it sent is there once. */
export function checkRuns(findings: Findings): void {
  const { runs, actors } = findings.story;
  const begun = groupBy(runs, ({ id }) => id);
  const owners = new Map<string, string>();
  for (const [id, marks] of begun) {
    const keys = [...new Set(marks.map(({ key }) => key))];
    if (keys.length > 1) findings.add('effect-key', `'${id}' ran under the keys ${keys.join(', ')}`);
    const other = owners.get(keys[0] ?? '');
    if (other !== undefined) findings.add('effect-key', `'${id}' and '${other}' share the key '${keys[0]}'`);
    owners.set(keys[0] ?? '', id);
    const attempts = marks.map(({ attempt }) => attempt);
    const isGrowing = attempts.every((attempt, i) => i === 0 || attempt > (attempts[i - 1] ?? 0));
    if (!isGrowing) findings.add('effect-attempt', `'${id}' ran as attempts ${attempts.join(', ')}`);
  }
  for (const actor of actors.values()) {
    const left = new Set(findings.deedsOf(actor).flatMap(({ did }) => ('left' in did ? [did.left] : [])));
    for (const { did } of findings.deedsOf(actor)) {
      if ('entered' in did)
        checkRun(findings, actor.address, did, { isLeft: left.has(did.entered), isActive: actor.status === 'active' });
    }
  }
}

function checkRun(
  findings: Findings,
  address: string,
  { entered: id, mode, to }: Extract<Did, { entered: string }>,
  { isLeft, isActive }: { readonly isLeft: boolean; readonly isActive: boolean },
): void {
  const done = findings.placesOf('done', id);
  const count = done.length + findings.placesOf('failed', id).length;
  const isRight = isLeft || !isActive ? count <= 1 && !(isLeft && count > 0) : count === 1;
  if (!isRight)
    findings.add(
      'effect-once',
      `'${id}' of '${address}' is over ${count} times${isLeft ? ' although it was left' : ''}`,
    );
  const run = done[0]?.entry.run;
  if (!run) return;
  const marks = findings.story.runs.filter((mark) => mark.id === id && mark.attempt === run.attempt);
  if (marks.length !== 1 || marks[0]?.key !== run.key)
    findings.add('effect-key', `'${id}' is done as attempt ${run.attempt} of '${run.key}', which never began`);
  if (mode !== 'send') return;
  for (const n of [1, 2]) findings.expectCount('effect-send', { kind: 'note', id: `${id}*${n}`, to }, 1);
}

/** Everything delivered was taken, under one id however often it came. */
export function checkDeliveries(findings: Findings): void {
  const taken = groupBy(findings.story.deliveries, ({ id }) => id);
  for (const [id, deliveries] of taken) {
    const ids = new Set(deliveries.map(({ delivery }) => delivery));
    if (ids.size > 1) findings.add('delivery-id', `'${id}' was delivered as ${[...ids].join(' and ')}`);
  }
  for (const actor of findings.story.actors.values()) {
    for (const { did } of findings.deedsOf(actor)) {
      if ('delivered' in did && !taken.has(did.delivered))
        findings.add('delivery-lost', `'${did.delivered}' was never delivered`);
    }
  }
}

/** A parent hears once of the end of each child, and no child outlives it. */
export function checkFamily(findings: Findings): void {
  for (const { address, status, parent } of findings.story.actors.values()) {
    const exits = findings.placesOf('exited', `exit of ${address}`);
    const isForeign = exits.some((exit) => exit.address !== parent);
    if (exits.length > 1 || isForeign)
      findings.add('exit', `the end of '${address}' was told ${exits.length} times, its parent is '${parent}'`);
    if (status === 'quarantined') findings.add('quarantined', `'${address}' was given up on`);
    if (status === 'active' && exits.length > 0)
      findings.add('exit', `'${address}' is active, and its parent heard of its end`);
    const isExpected = status === 'done' && findings.isActive(parent);
    if (isExpected && !hasExit(exits.map(({ entry }) => entry)))
      findings.add('exit', `'${parent}' was not told that '${address}' is done`);
  }
}

function hasExit(entries: readonly Entry[]): boolean {
  return entries.some(({ reason }) => reason === 'done');
}
