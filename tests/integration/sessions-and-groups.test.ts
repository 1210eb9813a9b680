/** Sessions and groups as users call them. */
import { expect, test } from 'vitest';
import type { Group, NewMember } from '../../src/index.ts';
import { speaker } from '../support/actors-talk.ts';
import { createTestSystem, eventually, failureOf } from '../support/harness.ts';

const TALK = new URL('../support/actors-talk.ts', import.meta.url);
const createTalk = () => createTestSystem({ actors: [TALK] });
const member = (name: string, skill = 'speak'): NewMember => ({ agent: speaker, name, skill });
const members = (count: number): NewMember[] => Array.from({ length: count }, (_, i) => member(`m${i + 1}`));
const rests = (group: Group) =>
  eventually(
    () => group.snapshot(),
    ({ value, context }) => value === 'resting' && context.outcome !== 'none',
  );
const textsOf = async (group: Group) => (await group.history({ limit: 1000 })).map(({ text }) => text);

test('a session is created, found, listed by user, and described', async () => {
  await using troupe = await createTalk();
  const { sessions } = troupe.system;
  const session = await sessions.create({ user: 'ada', title: 'Plans' });
  expect(session.id).toMatch(/^[0-9a-f-]{36}$/);
  await sessions.create({ user: 'bob', id: 'bobs' });
  await session.say('hello');
  await session.say('hello back', { author: 'agent' });
  expect(await (await sessions.get(session.id)).describe()).toEqual({
    user: 'ada',
    title: 'Plans',
    messages: 2,
    groups: [],
  });
  expect((await sessions.list({ user: 'ada' })).items).toMatchObject([
    { id: session.id, user: 'ada', title: 'Plans', lifecycle: 'active', status: 'active' },
  ]);
  expect((await sessions.list()).items.map(({ id }) => id).toSorted()).toEqual([session.id, 'bobs'].toSorted());
  const error = await failureOf(sessions.get('nobody'), 'ERR_SESSION_NOT_FOUND');
  expect(error.message).toBe("There is no session 'nobody'. List the sessions, or create it.");
  expect((await failureOf(sessions.create({ user: '' }), 'ERR_INPUT_INVALID')).details).toMatchObject({ path: 'user' });
});

test('G1: history comes by pages, window shows the last messages, and both survive a restart', async () => {
  await using troupe = await createTalk();
  const session = await troupe.system.sessions.create({ user: 'ada', id: 's' });
  for (let i = 1; i <= 25; i++) await session.say(`text ${i}`, { id: `m${i}` });
  await session.say('text 25', { id: 'm25' });
  const again = await (await troupe.restart()).sessions.get('s');
  const first = await again.history({ limit: 10 });
  expect(first.map(({ n, text, author }) => `${n} ${author} ${text}`)).toEqual(
    Array.from({ length: 10 }, (_, i) => `${i + 1} user text ${i + 1}`),
  );
  expect((await again.history({ after: 20 })).map(({ n }) => n)).toEqual([21, 22, 23, 24, 25]);
  expect((await again.window(3)).map(({ text }) => text)).toEqual(['text 23', 'text 24', 'text 25']);
  expect((await failureOf(again.window(0), 'ERR_OPTIONS_INVALID')).message).toBe(
    "Option 'count' of window() is 0 (a number). Use a whole number from 1 to 10000.",
  );
});

test('lists come by pages, newest first, each session once', async () => {
  await using troupe = await createTalk();
  const { sessions } = troupe.system;
  for (let i = 0; i < 7; i++) await sessions.create({ user: 'ada', id: `s${i}` });
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await sessions.list({ limit: 3, ...(cursor !== undefined && { cursor }) });
    expect(page.items.length).toBeLessThanOrEqual(3);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(ids.toSorted()).toEqual(Array.from({ length: 7 }, (_, i) => `s${i}`));
});

test('a deleted session is gone with its groups and agents; its id is free again', async () => {
  await using troupe = await createTalk();
  const session = await troupe.system.sessions.create({ user: 'ada', id: 's' });
  await troupe.system.groups.create({ id: 'g', session: 's', members: members(2) });
  expect(await session.describe()).toMatchObject({ groups: ['group/g'] });
  await session.delete();
  await failureOf(troupe.system.sessions.get('s'), 'ERR_SESSION_NOT_FOUND');
  await eventually(
    () => troupe.system.stats(),
    ({ actors, inboxRows }) => actors === 0 && inboxRows === 0,
  );
  await failureOf(troupe.system.groups.get('g'), 'ERR_GROUP_NOT_FOUND');
  await troupe.system.sessions.create({ user: 'bob', id: 's' });
  expect(await (await troupe.system.sessions.get('s')).history()).toEqual([]);
});

test('what sessions do not understand is refused, and named', async () => {
  await using troupe = await createTalk();
  const { sessions } = troupe.system;
  const session = await sessions.create({ user: 'ada' });
  const refusalOf = async (call: Promise<unknown>) => (await failureOf(call, 'ERR_OPTIONS_INVALID')).message;
  expect(await refusalOf(sessions.create({ user: 'ada', idleAfterMS: 5 } as never))).toBe(
    "Option 'idleAfterMS' of sessions.create() is unknown. Known options: id, user, title, metadata, idleAfterMs, expireAfterMs, keepMessages.",
  );
  expect(await refusalOf(sessions.create(undefined as never))).toBe(
    "The options of sessions.create() are undefined. Pass an object such as { user: 'ada' }.",
  );
  expect(await refusalOf(session.say('x', { foo: 1 } as never))).toContain("Option 'foo' of say() is unknown");
  expect(await refusalOf(session.say('x', null as never))).toContain('The options of say() are null');
  expect(await refusalOf(session.say('x', { author: 5 } as never))).toContain(
    "Option 'author' of say() is 5 (a number)",
  );
  expect(await refusalOf(sessions.list({ lifecycle: 'zzz' } as never))).toBe(
    "Option 'lifecycle' of sessions.list() is 'zzz' (a string). Use one of 'active', 'idle', 'expired'.",
  );
  expect(await refusalOf(sessions.list({ usr: 'ada' } as never))).toContain(
    "Option 'usr' of sessions.list() is unknown",
  );
  expect(await refusalOf(sessions.list({ statuses: 'done' } as never))).toContain("Option 'statuses'");
  expect(await refusalOf(sessions.list({ createdAfter: '1' } as never))).toContain("Option 'createdAfter'");
  expect(await refusalOf(session.history(null as never))).toContain('The options of history() are null');
  expect(await refusalOf(session.history({ direction: 'up' } as never))).toContain("Option 'direction'");
  expect(await refusalOf(session.window(undefined as never))).toContain("Option 'count' of window() is undefined");
  expect(await session.history()).toEqual([]);
});

test('what groups do not understand is refused, and named', async () => {
  await using troupe = await createTalk();
  const { groups } = troupe.system;
  const group = await groups.create({ id: 'g', members: members(3) });
  const options = async (call: Promise<unknown>) => (await failureOf(call, 'ERR_OPTIONS_INVALID')).message;
  const input = async (call: Promise<unknown>) => (await failureOf(call, 'ERR_INPUT_INVALID')).message;
  const withMember = (part: unknown) => groups.create({ members: [member('a'), part as NewMember] });
  expect(await options(groups.create({} as never))).toBe(
    "Option 'members' of groups.create() is undefined. Pass a list of members.",
  );
  expect(await options(groups.create(undefined as never))).toContain('The options of groups.create() are undefined');
  expect(await options(groups.create({ members: members(2), rounds: 3 } as never))).toContain("Option 'rounds'");
  expect(await input(withMember(5))).toContain('A member of a group is 5 (a number)');
  expect(await input(withMember({ name: 'b', skill: 'speak' }))).toContain('The agent of a member is undefined');
  expect(await input(withMember({ ...member('b'), role: 'x' }))).toContain("unknown part 'role'");
  expect(await input(group.add({} as never))).toContain('The agent of a member is undefined');
  expect(await input(group.add({ agent: speaker, name: 'b' } as never))).toContain(
    'The skill of a member is undefined',
  );
  expect(await options(group.say('x', undefined as never))).toContain("Pass an object such as { author: 'host' }");
  expect(await options(group.say('x', {} as never))).toContain("Option 'author' of say() is undefined");
  expect(await input(group.share(5 as never))).toContain('share() was given 5 (a number)');
  expect(await input(group.remove('speaker/nobody'))).toBe(
    "No member of 'group/g' has the address 'speaker/nobody' (a string). Use one of speaker/g:1, speaker/g:2, speaker/g:3.",
  );
  expect(await options(group.history(null as never))).toContain('The options of history() are null');
  expect(await options(groups.list({ sesion: 's' } as never))).toContain("Option 'sesion' of groups.list() is unknown");
  expect((await group.snapshot()).context).toMatchObject({ shared: {}, members: { length: 3 } });
});

test('a group made again under its id belongs to its session again, and is listed there once', async () => {
  await using troupe = await createTalk();
  const { sessions, groups } = troupe.system;
  const session = await sessions.create({ user: 'ada', id: 's' });
  const options = { id: 'g', session: 's', members: members(2) };
  await groups.create(options);
  await groups.delete('g');
  await eventually(
    () => session.describe(),
    (description) => description.groups.length === 0,
  );
  await groups.create(options);
  await groups.create(options);
  expect(await session.describe()).toMatchObject({ groups: ['group/g'] });
  expect((await groups.list({ session: 's' })).items).toMatchObject([{ id: 'g', status: 'active' }]);
  await session.delete();
  await eventually(
    () => troupe.system.stats(),
    ({ actors }) => actors === 0,
  );
});

test('a group that exists elsewhere is not created in a session, nor listed there', async () => {
  await using troupe = await createTalk();
  const { sessions, groups } = troupe.system;
  await groups.create({ id: 'g', members: members(2) });
  const session = await sessions.create({ user: 'ada', id: 's' });
  const again = groups.create({ id: 'g', session: 's', members: members(2) });
  expect((await failureOf(again, 'ERR_OPTIONS_INVALID')).message).toBe(
    "Group 'g' cannot be created in 'session/s': it exists by itself. Choose another id, or delete that group first.",
  );
  expect(await session.describe()).toMatchObject({ groups: [] });
});

test.each([0, 1, 11])('a group of %d members is refused', async (count) => {
  await using troupe = await createTalk();
  const error = await failureOf(troupe.system.groups.create({ members: members(count) }), 'ERR_GROUP_SIZE');
  expect(error.message).toBe(`A group has 2 to 10 members, not ${count}. Change the list of members.`);
  expect((await troupe.system.groups.list()).items).toEqual([]);
});

test.each([2, 10])('a group of %d members speaks round-robin until its rounds are over', async (count) => {
  await using troupe = await createTalk();
  const group = await troupe.system.groups.create({ members: members(count), maxRounds: 2, shared: { topic: 'x' } });
  await group.start();
  const { context } = await rests(group);
  expect(context).toMatchObject({ outcome: 'rounds', turn: 2 * count, shared: { topic: 'x', last: `m${count}` } });
  expect(await textsOf(group)).toEqual(Array.from({ length: 2 * count }, (_, i) => `m${(i % count) + 1}:${i + 1}`));
});

test('a member that fails loses its turn, not the conversation; one that concludes ends it', async () => {
  await using troupe = await createTalk();
  const list = [member('a'), member('b', 'fail'), member('c', 'conclude')];
  const group = await troupe.system.groups.create({ members: list });
  await group.say('begin', { author: 'host' });
  await group.start();
  expect((await rests(group)).context).toMatchObject({ outcome: 'reached', turn: 3 });
  const lines = (await group.history()).map(({ author, kind, text }) => `${author} ${kind} ${text}`);
  expect(lines).toEqual(['host said begin', 'a said a:1', 'b failed b has lost the thread', 'c said c concludes']);
});

test('a member removed while it speaks is stopped, and the word passes on', async () => {
  await using troupe = await createTalk();
  const group = await troupe.system.groups.create({
    id: 'g',
    members: [member('a'), member('b', 'ponder'), member('c', 'conclude')],
  });
  await group.start();
  const { context } = await eventually(
    () => group.snapshot(),
    (view) => view.context.speaker === 1,
  );
  await group.remove(context.members[1]?.address ?? '');
  expect((await rests(group)).context).toMatchObject({ outcome: 'reached', members: [{ name: 'a' }, { name: 'c' }] });
  await eventually(
    async () => (await troupe.system.list({ statuses: ['stopped'] })).items.map(({ address }) => address),
    (gone) => gone.includes('speaker/g:2' as never),
  );
  expect((await failureOf(group.remove(context.members[0]?.address ?? ''), 'ERR_GROUP_SIZE')).details).toEqual({
    members: 1,
  });
});

test('a member that hangs loses its turns; a group in which nobody answers rests', async () => {
  await using troupe = await createTalk();
  const { groups } = troupe.system;
  const hung = member('b', 'ponder');
  const talk = await groups.create({ members: [member('a'), hung, member('c')], maxRounds: 2, turnDeadlineMs: 300 });
  const silence = await groups.create({ members: [hung, hung], turnDeadlineMs: 300 });
  await Promise.all([talk.start(), silence.start()]);
  expect((await rests(talk)).context).toMatchObject({ outcome: 'rounds', turn: 6, shared: { last: 'c' } });
  expect((await talk.history()).map(({ kind }) => kind)).toEqual(['said', 'missed', 'said', 'said', 'missed', 'said']);
  expect((await rests(silence)).context).toMatchObject({ outcome: 'silent', turn: 2 });
  const error = await failureOf(groups.create({ members: members(2), turnDeadlineMs: 0 }), 'ERR_INPUT_INVALID');
  expect(error.details).toMatchObject({ path: 'turnDeadlineMs' });
});

test('G11: a session expires over a restart, and is swept', async () => {
  await using troupe = await createTalk();
  const times = { idleAfterMs: 1000, expireAfterMs: 1500 };
  await troupe.system.sessions.create({ user: 'ada', id: 's', ...times });
  const { sessions } = await troupe.restart();
  await eventually(async () => (await sessions.list({ lifecycle: 'expired' })).items.length === 1);
  expect(await sessions.sweep()).toBe(1);
  await failureOf(sessions.get('s'), 'ERR_SESSION_NOT_FOUND');
});

test('G11: the deadline of a turn survives a restart', async () => {
  await using troupe = await createTalk();
  const list = [member('a', 'ponder'), member('b', 'conclude')];
  const group = await troupe.system.groups.create({ id: 'g', members: list, turnDeadlineMs: 1000 });
  await group.start();
  const again = await (await troupe.restart()).groups.get('g');
  expect((await rests(again)).context).toMatchObject({ outcome: 'reached', turn: 2 });
  expect((await again.history()).map(({ kind }) => kind)).toEqual(['missed', 'said']);
});

test('G10: a conversation goes on after the threads and the store thread were ended, saying everything once', async () => {
  await using troupe = await createTalk();
  const group = await troupe.system.groups.create({ members: members(3), maxRounds: 20 });
  await group.start();
  await eventually(
    () => group.snapshot(),
    ({ context }) => context.turn > 5,
  );
  await Promise.all([troupe.system.threads.endWorker(0), troupe.system.threads.endWorker(1)]);
  await eventually(
    () => group.snapshot(),
    ({ context }) => context.turn > 20,
  );
  await troupe.endStore();
  expect((await rests(group)).context).toMatchObject({ outcome: 'rounds', turn: 60 });
  expect(await textsOf(group)).toEqual(Array.from({ length: 60 }, (_, i) => `m${(i % 3) + 1}:${i + 1}`));
});
