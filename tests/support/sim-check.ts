/**
 * Judges a simulated story: what was called and how it ended against what the logs of the actors say. Pure functions that know
 * nothing of the runtime.
 */
import { checkAudience, checkTopics } from './sim-check-topics.ts';
import { checkCodeSchedules, checkSchedules, checkTimers } from './sim-check-time.ts';
import { checkDeliveries, checkFamily, checkRuns } from './sim-check-effects.ts';
import {
  checkAsks,
  checkLetters,
  checkLooks,
  checkOrigins,
  checkSends,
  checkTells,
  checkTurns,
} from './sim-check-messages.ts';
import { Findings } from './sim-findings.ts';
import type { Story, Violation } from './sim-record.ts';

const CHECKS = [
  checkTurns,
  checkOrigins,
  checkSends,
  checkAsks,
  checkTells,
  checkLetters,
  checkLooks,
  checkSchedules,
  checkCodeSchedules,
  checkTimers,
  checkTopics,
  checkAudience,
  checkRuns,
  checkDeliveries,
  checkFamily,
] as const;

/** Every promise that was broken. */
export function checkStory(story: Story): readonly Violation[] {
  const findings = new Findings(story);
  for (const check of CHECKS) check(findings);
  for (const [name, count] of Object.entries(story.leftovers)) {
    if (count > 0) findings.add('left-over', `0 ${name} were expected at the end, ${count} were seen`);
  }
  return [...story.found, ...findings.all];
}
