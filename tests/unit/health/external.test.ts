/** H2, H3, G16: external agents, with heartbeats that the test gives. */
import { expect, test } from 'vitest';
import { ALERT, watched } from './fixture.ts';

test('H2, G16: an agent is disconnected within 5 s of its last heartbeat, and not before two were missed', async () => {
  await using run = await watched();
  const { system, clock } = run;
  await system.health.register('scout', ALERT);
  await run.beat(20_000, 'scout');
  expect(system.health.of('scout')).toMatchObject({ kind: 'external', state: 'healthy' });
  const lastAt = system.health.of('scout').lastHeartbeatAt ?? 0;
  await clock.advance(lastAt + 4000 - clock.now());
  expect(system.health.of('scout').state).toBe('healthy');
  await clock.advance(1000);
  expect(system.health.of('scout')).toMatchObject({ state: 'failed', reason: expect.stringContaining('no heartbeat') });
  expect(run.changes('scout')).toEqual(['healthy>disconnected', 'disconnected>failed']);
});

test('H2: whatever the interval, two missed heartbeats are seen soon after', async () => {
  await using run = await watched();
  for (const heartbeatMs of [100, 700, 2000, 30_000]) {
    const id = `every-${heartbeatMs}`;
    await run.system.health.register(id, { ...ALERT, heartbeatMs });
    await run.clock.advance(heartbeatMs * 2);
    expect(run.system.health.of(id).state).toBe('healthy');
    await run.clock.advance(Math.min(1000, heartbeatMs));
    expect(run.system.health.of(id).state).toBe('failed');
    await run.system.health.unregister(id);
  }
});

test('H2: what is published on heartbeat.ID counts, colons included, and carries what was done', async () => {
  await using run = await watched();
  const { system, clock } = run;
  await system.health.register('team:scout', ALERT);
  for (let i = 0; i < 10; i++) {
    await system.bus.publish('heartbeat.team:scout', i === 9 ? { activity: 'searched' } : {});
    await clock.advance(1000);
  }
  await system.bus.publish('heartbeat.nobody', null);
  await clock.advance(0);
  expect(system.health.of('team:scout')).toMatchObject({ state: 'healthy', lastActivity: 'searched' });
});

test('H3: heartbeats without activity make a zombie; activity does not', async () => {
  await using run = await watched();
  const { system } = run;
  await system.health.register('idle', { strategy: 'alert', zombieAfterMs: 10_000 });
  await system.health.register('busy', { strategy: 'alert', zombieAfterMs: 10_000 });
  for (let i = 0; i < 12; i++) {
    system.health.recordActivity('busy', `step ${i}`);
    await run.beat(1000, 'idle', 'busy');
  }
  expect(run.changes('idle')).toEqual(['healthy>zombie', 'zombie>failed']);
  expect(system.health.of('idle').reason).toContain('no activity');
  expect(system.health.of('busy')).toMatchObject({ state: 'healthy', lastActivity: 'step 11' });
});

test('H3: an agent with zombieAfterMs: false may rest', async () => {
  await using run = await watched();
  await run.system.health.register('idle', ALERT);
  await run.beat(200_000, 'idle');
  expect(run.system.health.of('idle').state).toBe('healthy');
});

test('H4: restart calls recover at once, and the first heartbeat after it ends the outage', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const attempts: number[] = [];
  await system.health.register('scout', { recover: (attempt) => void attempts.push(attempt) });
  await clock.advance(5000);
  expect(attempts).toEqual([1]);
  expect(system.health.of('scout')).toMatchObject({ state: 'recovering', attempts: 1 });
  system.health.heartbeat('scout');
  await clock.advance(0);
  expect(run.changes('scout')).toEqual(['healthy>disconnected', 'disconnected>recovering', 'recovering>healthy']);
  expect(run.recoveries('scout')).toMatchObject([{ strategy: 'restart', attempt: 1, isRecovered: true }]);
});

test('H4: tries follow one another with growing pauses until one works', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const at: number[] = [];
  const recover = (attempt: number): void => {
    at.push(clock.now());
    if (attempt < 5) throw new Error('not yet');
    system.health.heartbeat('scout');
  };
  await system.health.register('scout', { recover, zombieAfterMs: false });
  await clock.advance(30_000);
  const pauses = at.slice(1, 5).map((time, i) => time - (at[i] ?? 0));
  for (const [i, pause] of pauses.slice(1).entries()) expect(pause).toBeGreaterThan(pauses[i] ?? 0);
  expect(
    run
      .recoveries('scout')
      .map(({ isRecovered }) => isRecovered)
      .slice(0, 5),
  ).toEqual([false, false, false, false, true]);
});

test('H4: an agent that never comes back is given up on, and taken back when it does', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const recover = (): void => {
    throw new Error('no machine');
  };
  await system.health.register('scout', { recover, maxAttempts: 3 });
  await clock.advance(20_000);
  expect(system.health.of('scout')).toMatchObject({
    state: 'failed',
    attempts: 3,
    reason: expect.stringContaining('no machine'),
  });
  expect(system.health.stats()).toMatchObject({ givenUp: 1, recovered: 0, recoveryRate: 0 });
  system.health.heartbeat('scout');
  expect(system.health.of('scout').state).toBe('healthy');
});

test('H4: a try that never ends is given up after 30 s, and its answer then counts for nothing', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const answers: (() => void)[] = [];
  await system.health.register('scout', {
    recover: () => new Promise<void>((resolve) => answers.push(resolve)),
    maxAttempts: 2,
  });
  await clock.advance(40_000);
  expect(answers.length).toBe(2);
  answers[0]?.();
  await clock.advance(40_000);
  expect(system.health.of('scout').state).toBe('failed');
});

test('H4: replace calls replaceWith with the name of the substitute', async () => {
  await using run = await watched();
  const { system, clock } = run;
  const substitutes: string[] = [];
  const replaceWith = (name: string): void => void substitutes.push(name);
  await system.health.register('scout', { strategy: { replace: 'simple-scout' }, replaceWith });
  await clock.advance(5000);
  system.health.heartbeat('scout');
  await clock.advance(0);
  expect(substitutes).toEqual(['simple-scout']);
  expect(run.recoveries('scout')).toMatchObject([{ strategy: 'replace', isRecovered: true }]);
});

test('H4: a zombie is started anew though its old heartbeats go on, and the strategy can be changed', async () => {
  await using run = await watched();
  const { system } = run;
  let starts = 0;
  const options = { strategy: 'alert', zombieAfterMs: 5000, recover: () => void starts++ } as const;
  await system.health.register('scout', options);
  await run.beat(7000, 'scout');
  expect([system.health.of('scout').state, starts]).toEqual(['failed', 0]);
  await system.health.setRecoveryStrategy('scout', 'restart');
  await run.beat(3000, 'scout');
  expect([system.health.of('scout').state, starts]).toEqual(['healthy', 1]);
});

test('H4: a strategy that becomes alert ends the tries', async () => {
  await using run = await watched();
  const { system, clock } = run;
  let tries = 0;
  const recover = (): void => {
    tries++;
    throw new Error('no');
  };
  await system.health.register('scout', { recover, maxAttempts: 1000 });
  await clock.advance(6000);
  await system.health.setRecoveryStrategy('scout', 'alert');
  const before = tries;
  await clock.advance(600_000);
  expect([before > 0, tries]).toEqual([true, before]);
  expect(system.health.of('scout').state).toBe('failed');
});

test('H1: monitoring can be stopped and started; silence counts from the start', async () => {
  await using run = await watched();
  const { system, clock } = run;
  await system.health.register('scout', ALERT);
  await system.health.stop();
  await clock.advance(60_000);
  expect([system.health.isMonitoring, system.health.of('scout').state]).toEqual([false, 'healthy']);
  await system.health.start();
  await clock.advance(4000);
  expect(system.health.of('scout').state).toBe('healthy');
  await clock.advance(1000);
  expect(system.health.of('scout').state).toBe('failed');
});

test('H6: the health of all, and numbers over them', async () => {
  await using run = await watched();
  const { system, clock } = run;
  await system.health.register('a', ALERT);
  await system.health.register('b', { recover: () => system.health.heartbeat('b') });
  await clock.advance(5000);
  expect(system.health.all().map(({ agent, state }) => `${agent} ${state}`)).toEqual(['a failed', 'b healthy']);
  const { monitor, ...stats } = system.health.stats();
  expect(stats).toMatchObject({
    agents: 2,
    states: { healthy: 1, failed: 1 },
    outages: 2,
    recovered: 1,
    recoveryRate: 1,
  });
  expect(monitor.looks).toBeGreaterThan(5);
});

test('unregistered, an agent is nobody', async () => {
  await using run = await watched();
  const { system, clock } = run;
  await system.health.register('scout', ALERT);
  await system.health.unregister('scout');
  await clock.advance(60_000);
  expect([run.changes('scout'), system.health.all(), system.health.isMonitoring]).toEqual([[], [], false]);
});
