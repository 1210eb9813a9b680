/** Checks of a simulated story: publications reach every subscriber there is, once, in the order of commits. */
import type { Findings } from './sim-findings.ts';
import type { CodeSubscription, Publication } from './sim-record.ts';
import { fits } from './sim-observer.ts';

/** Actors: exactly what was published while they were subscribed, in the order of each publisher. */
export function checkTopics(findings: Findings): void {
  const { actors, expectedTopics } = findings.story;
  for (const { address, entries } of actors.values()) {
    const expected = expectedTopics.get(address) ?? [];
    const wanted = new Map(expected.map((topic) => [topic.id, topic]));
    const last = new Map<string, number>();
    const seen = new Set<string>();
    for (const { kind, id, from } of entries) {
      if (kind !== 'topic') continue;
      seen.add(id);
      const topic = wanted.get(id);
      if (!topic || topic.source !== from)
        findings.add('topic-unwanted', `'${address}' received '${id}' from '${from}' without a subscription`);
      if (topic && topic.place < (last.get(from) ?? -1))
        findings.add('topic-order', `'${address}' received '${id}' of '${from}' out of order`);
      if (topic) last.set(from, topic.place);
    }
    if (!findings.isActive(address)) continue;
    for (const { id } of expected) if (!seen.has(id)) findings.add('topic-lost', `'${address}' never received '${id}'`);
  }
}

/** Code: without a name at most once; with one at least once and without gaps. */
export function checkAudience(findings: Findings): void {
  const { subscriptions } = findings.story;
  for (const subscription of subscriptions) if (subscription.name === undefined) checkUnnamed(findings, subscription);
  for (const name of new Set(subscriptions.map((subscription) => subscription.name))) {
    if (name !== undefined)
      checkNamed(
        findings,
        name,
        subscriptions.filter((subscription) => subscription.name === name),
      );
  }
}

function wantedBy(
  { pattern }: CodeSubscription,
  publications: readonly Publication[],
  from: number,
): readonly string[] {
  return publications
    .slice(from)
    .filter(({ topic }) => fits(pattern, topic))
    .map(({ id }) => id);
}

/** From some point between the call and its answer on, each in order, none left out; at the end nothing is missing. */
function checkUnnamed(findings: Findings, subscription: CodeSubscription): void {
  const { id, askedAt, begunAt, endedAt, heard } = subscription;
  const { publications } = findings.story;
  const wanted = wantedBy(subscription, publications, askedAt);
  const start = heard.length > 0 ? wanted.indexOf(heard[0] as string) : 0;
  const isRun = start >= 0 && heard.every((event, i) => event === wanted[start + i]);
  if (!isRun) return findings.add('audience', `'${id}' heard [${String(heard)}], published were [${String(wanted)}]`);
  if (begunAt === undefined) return;
  const certain = wantedBy(subscription, publications, begunAt);
  const isLate = heard.length > 0 && start > wanted.length - certain.length;
  const isShort = endedAt === undefined && start + heard.length < wanted.length && certain.length > heard.length;
  if (isLate || isShort)
    findings.add('audience', `'${id}' heard [${String(heard)}], certain were [${String(certain)}]`);
}

/** Over all processes; what comes again does not count. */
function checkNamed(findings: Findings, name: string, subscriptions: readonly CodeSubscription[]): void {
  const first = subscriptions[0] as CodeSubscription;
  const begun = subscriptions.find(({ begunAt }) => begunAt !== undefined);
  const heard = [...new Set(subscriptions.flatMap((subscription) => subscription.heard))];
  const wanted = wantedBy(first, findings.story.publications, first.askedAt);
  const certain = begun ? wantedBy(first, findings.story.publications, begun.begunAt ?? 0) : [];
  const start = heard.length > 0 ? wanted.indexOf(heard[0] as string) : wanted.length - certain.length;
  const expected = wanted.slice(start);
  const isWhole = start >= 0 && start <= wanted.length - certain.length && String(expected) === String(heard);
  if (!isWhole)
    findings.add(
      'audience',
      `'${name}' heard [${String(heard)}], expected [${String(expected)}], certain [${String(certain)}]`,
    );
}
