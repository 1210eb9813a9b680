/** Policies of supervision that cannot work are refused where they are written, by name. */
import { expect, test } from 'vitest';
import { defineActor, isTroupeError } from '../../../src/index.ts';
import type { SupervisePolicy } from '../../../src/index.ts';
import { childOf } from '../../support/actors-supervised.ts';

test.each<[SupervisePolicy, string, string]>([
  [{ maxRestarts: -1 }, 'supervise.maxRestarts', "'supervise.maxRestarts' is -1"],
  [{ maxRestarts: Number.NaN }, 'supervise.maxRestarts', "'supervise.maxRestarts' is NaN"],
  [{ maxRestarts: 3 }, 'supervise.maxRestarts', "'supervise.maxRestarts' is 3"],
  [{ withinMs: 0 }, 'supervise.withinMs', "'supervise.withinMs' is 0"],
  [{ withinMs: Infinity }, 'supervise.withinMs', "'supervise.withinMs' is Infinity"],
  [{ backoff: { minMs: -5 } }, 'supervise.backoff.minMs', "'supervise.backoff.minMs' is -5"],
  [{ backoff: { maxMs: Number.NaN } }, 'supervise.backoff.maxMs', "'supervise.backoff.maxMs' is NaN"],
  [{ backoff: { minMs: 100, maxMs: 10 } }, 'supervise.backoff', 'minMs must not be more than maxMs'],
  [{ backoff: { factor: 0.5 } }, 'supervise.backoff.factor', "'supervise.backoff.factor' is 0.5"],
  [{ backoff: { jitter: 2 } }, 'supervise.backoff.jitter', "'supervise.backoff.jitter' is 2"],
  [{ strategy: 'all-for-one' as never }, 'supervise.strategy', "'supervise.strategy' is 'all-for-one'"],
  [{ restart: 'always' as never }, 'supervise.restart', "'supervise.restart' is 'always'"],
  [{ onGiveUp: 'panic' as never }, 'supervise.onGiveUp', "'supervise.onGiveUp' is 'panic'"],
  [{ onFailure: 'ignore' as never }, 'supervise.onFailure', "'supervise.onFailure' is 'ignore'"],
  [{ onFailure: { kind: 'replace' } as never }, 'supervise.onFailure', "'supervise.onFailure' is an object"],
  [{ hangMs: 0 }, 'supervise.hangMs', "'supervise.hangMs' is 0"],
  [{ stallMs: -1 }, 'supervise.stallMs', "'supervise.stallMs' is -1"],
  [{ stopTimeoutMs: -1 }, 'supervise.stopTimeoutMs', "'supervise.stopTimeoutMs' is -1"],
  [{ restart: 'temporary', onFailure: 'alert' }, 'supervise.onFailure', 'is temporary'],
  [{ restart: 'temporary', onGiveUp: 'escalate' }, 'supervise.onGiveUp', 'is temporary'],
  [{ restarts: 3 } as never, 'supervise', 'restarts'],
])('%j is refused', (supervise, path, says) => {
  const error = catchError(() => childOf('child', supervise));
  expect(isTroupeError(error, 'ERR_DEFINITION_INVALID')).toBe(true);
  expect(error).toMatchObject({ details: { type: 'child', path } });
  expect((error as Error).message).toContain(says);
  expect((error as Error).message).toContain("defineActor('child', …)");
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test.each<[SupervisePolicy, string]>([
  [{ restart: 'permanent' }, 'supervise.restart'],
  [{ strategy: 'one-for-all' }, 'supervise.strategy'],
  [{ onFailure: 'alert' }, 'supervise.onFailure'],
  [{ onGiveUp: 'escalate' }, 'supervise.onGiveUp'],
])('%j beside durable: false is refused', (supervise, path) => {
  const define = () => defineActor('fleeting', childOf('child').machine, { durable: false, supervise });
  expect(catchError(define)).toMatchObject({ code: 'ERR_DEFINITION_INVALID', details: { type: 'fleeting', path } });
});
