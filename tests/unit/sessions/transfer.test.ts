/** G19: sessions as lines, and back. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeLine, parseLines } from '../../../src/pool/lines.ts';
import type { Line } from '../../../src/pool/lines.ts';
import { speaker } from '../../support/actors-talk.ts';
import { createSimulatedSystem, failureOf } from '../../support/harness.ts';
import type { SimulatedTroupe } from '../../support/harness.ts';

const TALK = new URL('../../support/actors-talk.ts', import.meta.url);
const MINUTE_MS = 60_000;

const create = () => createSimulatedSystem({ actors: [TALK] });

async function exportOf({ system }: SimulatedTroupe, ids?: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of system.sessions.export(ids)) lines.push(line);
  return lines;
}

/** Two sessions: one with everything, one with nothing. */
async function createFull(): Promise<SimulatedTroupe> {
  const troupe = await create();
  const { sessions, groups } = troupe.system;
  const full = await sessions.create({ id: 'full', user: 'ada', title: 'Pläne', metadata: { project: 'x' } });
  await troupe.env.advance(5);
  await sessions.create({ id: 'empty', user: 'bob' });
  for (let i = 1; i <= 450; i++) await full.say(`text ${i} "ü"`, { author: i % 2 ? 'user' : 'agent' });
  await full.trim({ keep: 430 });
  await full.agents.set('writer', { drafts: [1, 2] });
  const members = ['a', 'b'].map((name) => ({ agent: speaker, name, skill: 'speak' }));
  const group = await groups.create({ id: 'g', session: 'full', members });
  await group.say('hello all', { author: 'host' });
  await full.ref.schedule('later', { type: 'SAY', text: 'scheduled', author: 'clock' }, {
    afterMs: 3 * MINUTE_MS,
  } as never);
  await troupe.env.advance(MINUTE_MS);
  return troupe;
}

/** Everything users can see of a session. */
async function seenOf({ system }: SimulatedTroupe, id: string) {
  const session = await system.sessions.get(id);
  const { seq: _seq, ...state } = await session.snapshot();
  return { state, history: await session.history({ limit: 10_000 }), agents: await session.agents.list() };
}

/** The same lines with other bodies, sound in themselves. */
function rewrite(texts: readonly string[], edit: (lines: Line[]) => Line[]): string[] {
  const lines = edit(texts.flatMap((text) => [...parseLines(text)]));
  const body = lines.filter(({ kind }) => kind !== 'footer').map(({ kind, body }) => encodeLine(kind, body));
  const checksum = body.reduce((sum, text) => crc32(text, sum), 0);
  const footers = lines.filter(({ kind }) => kind === 'footer');
  return [
    ...body,
    ...footers.map((line) => encodeLine('footer', { ...(line.body as object), lines: body.length, checksum })),
  ];
}

const editKind = (kind: string, change: object) => (lines: Line[]) =>
  lines.map((line) => (line.kind === kind ? { kind, body: { ...(line.body as object), ...change } as never } : line));

test('G19: an imported session is what it was: messages, numbers, metadata, agents, groups, and what was left of its times', async () => {
  await using from = await createFull();
  const lines = await exportOf(from);
  expect(lines.every((line) => line.endsWith('\n') && line.length < 300_000)).toBe(true);
  await using to = await create();
  await to.env.advance(60 * MINUTE_MS);
  expect(await to.run(to.system.sessions.import(lines))).toEqual({ sessions: 2, messages: 430 });
  for (const id of ['full', 'empty']) expect(await seenOf(to, id)).toEqual(await seenOf(from, id));
  expect((await to.system.sessions.list({ metadata: { project: 'x' } })).items).toMatchObject([
    { id: 'full', title: 'Pläne' },
  ]);
  const group = await to.system.groups.get('g');
  expect((await group.history()).map(({ text }) => text)).toEqual(['hello all']);
  const full = await to.system.sessions.get('full');
  await to.env.advance(2 * MINUTE_MS - 1);
  expect((await full.window(1))[0]).toMatchObject({ n: 450 });
  await to.env.advance(1);
  expect((await full.window(1))[0]).toMatchObject({ n: 451, text: 'scheduled', author: 'clock' });
  await group.start();
  await to.env.advance(1000);
  expect((await group.history()).length).toBeGreaterThan(2);
  const [first, second] = await group.ref.history();
  expect([first?.seq, first?.causes, second?.seq]).toEqual([1, [{ kind: 'import' }], 2]);
  expect((await group.ref.at(1)).context).toEqual((await (await from.system.groups.get('g')).snapshot()).context);
});

test('G19: an imported session is idle and expires when the original would have', async () => {
  await using from = await create();
  await from.system.sessions.create({
    id: 's',
    user: 'ada',
    idleAfterMs: 10 * MINUTE_MS,
    expireAfterMs: 60 * MINUTE_MS,
  });
  await from.env.advance(4 * MINUTE_MS);
  const lines = await exportOf(from, ['s']);
  await using to = await create();
  await to.env.advance(500 * MINUTE_MS);
  await to.system.sessions.import(lines);
  const lifecycle = async () => (await to.system.sessions.list()).items.map((item) => item.lifecycle);
  await to.env.advance(6 * MINUTE_MS - 1);
  expect(await lifecycle()).toEqual(['active']);
  await to.env.advance(1);
  expect(await lifecycle()).toEqual(['idle']);
  await to.env.advance(50 * MINUTE_MS);
  expect(['expired', undefined]).toContain((await lifecycle())[0]);
});

test('G19: what was exported again from an import is the same, but for its times', async () => {
  await using from = await createFull();
  const first = await exportOf(from, ['full']);
  await using to = await create();
  await to.system.sessions.import(first);
  const second = await exportOf(to, ['full']);
  const strip = (texts: readonly string[]) =>
    texts
      .flatMap((text) => [...parseLines(text)])
      .map(({ kind, body }) => {
        const { at: _at, timers: _timers, checksum: _checksum, ...rest } = body as Record<string, unknown>;
        return kind === 'scheduled' ? kind : [kind, rest];
      });
  expect(strip(second)).toEqual(strip(first));
});

test('renamed, a session comes to be beside the one it was, with all that is below it', async () => {
  await using troupe = await createFull();
  const lines = await exportOf(troupe, ['full']);
  await troupe.system.sessions.import(lines, { rename: (id) => `${id}-copy` });
  const copy = await troupe.system.sessions.get('full-copy');
  expect((await copy.describe()).groups).toEqual(['group/g:full-copy']);
  expect(await copy.history({ limit: 10_000 })).toEqual(
    await (await troupe.system.sessions.get('full')).history({ limit: 10_000 }),
  );
  const group = await troupe.system.groups.get('g:full-copy');
  await group.start();
  await troupe.env.advance(1000);
  expect((await group.history()).length).toBeGreaterThan(2);
  expect((await (await troupe.system.groups.get('g')).history()).length).toBe(1);
});

test('an id that exists is refused with its line, and overwritten only when asked', async () => {
  await using troupe = await createFull();
  const lines = await exportOf(troupe, ['full']);
  const full = await troupe.system.sessions.get('full');
  const before = await seenOf(troupe, 'full');
  await full.say('later');
  const error = await failureOf(troupe.system.sessions.import(lines), 'ERR_ACTOR_EXISTS');
  expect(error.message).toBe(
    "The import, line 3 holds 'session/full', which exists. Pass rename, or overwrite: true, or remove it first.",
  );
  await troupe.run(troupe.system.sessions.import(lines, { overwrite: true }));
  const { state, ...rest } = await seenOf(troupe, 'full');
  expect({ ...rest, context: state.context }).toEqual({
    history: before.history,
    agents: before.agents,
    context: before.state.context,
  });
});

test('a session that is written to while it is exported is exported as it was at one moment', async () => {
  await using from = await create();
  const session = await from.system.sessions.create({ id: 's', user: 'ada' });
  for (let i = 1; i <= 1200; i++) await session.say(`text ${i}`);
  const lines: string[] = [];
  for await (const line of from.system.sessions.export(['s'])) {
    lines.push(line);
    await session.say('meanwhile');
  }
  await using to = await create();
  const { messages } = await to.system.sessions.import(lines);
  const imported = await to.system.sessions.get('s');
  expect((await imported.describe()).messages).toBe(messages);
  expect((await imported.window(1))[0]?.n).toBe(messages);
});

/** Sound lines that hold what must not come in. */
const HOSTILE: readonly { name: string; code: string; says: string; edit: (lines: Line[]) => Line[] }[] = [
  { name: 'no header', code: 'ERR_DATA_CORRUPT', says: 'line 1 is not the header', edit: (lines) => lines.slice(1) },
  {
    name: 'another format',
    code: 'ERR_DATA_CORRUPT',
    says: "line 1 says format 'x' (a string)",
    edit: editKind('header', { format: 'x' }),
  },
  {
    name: 'a newer version',
    code: 'ERR_DATA_CORRUPT',
    says: 'line 1 says version 2, and this Troupe reads up to 1. Upgrade',
    edit: editKind('header', { version: 2 }),
  },
  {
    name: 'an unknown kind',
    code: 'ERR_DATA_CORRUPT',
    says: "is of kind 'other'",
    edit: (lines) => lines.toSpliced(1, 0, { kind: 'other', body: 1 }),
  },
  {
    name: 'no footer',
    code: 'ERR_DATA_CORRUPT',
    says: 'is missing: the file was cut off',
    edit: (lines) => lines.slice(0, -1),
  },
  {
    name: 'no end of a session',
    code: 'ERR_DATA_CORRUPT',
    says: 'a footer that does not match',
    edit: (lines) => lines.filter(({ kind }) => kind !== 'end'),
  },
  {
    name: 'messages missing',
    code: 'ERR_DATA_CORRUPT',
    says: 'rows of the log of',
    edit: (lines) =>
      lines.toSpliced(
        lines.findIndex(({ kind }) => kind === 'log'),
        1,
      ),
  },
  {
    name: 'an address outside the grammar',
    code: 'ERR_ADDRESS',
    says: 'line 3 holds an address outside the grammar',
    edit: editKind('actor', { address: 'session/../x' }),
  },
  {
    name: 'another place',
    code: 'ERR_DATA_CORRUPT',
    says: 'which is not its place',
    edit: editKind('actor', { parent: 'session/other' }),
  },
  {
    name: 'another type',
    code: 'ERR_DATA_CORRUPT',
    says: 'which is not its place',
    edit: editKind('actor', { address: 'nobody/full' }),
  },
  {
    name: 'a newer definition',
    code: 'ERR_STATE_VERSION',
    says: "line 3 holds 'session/full', which cannot be used",
    edit: editKind('actor', { version: 99 }),
  },
  {
    name: 'a state that is none',
    code: 'ERR_STATE_CORRUPT',
    says: 'line 3',
    edit: editKind('actor', { state: '{"a":1}' }),
  },
  {
    name: '__proto__ in a state',
    code: 'ERR_DATA_CORRUPT',
    says: "carries the key '__proto__'",
    edit: editKind('actor', { state: '{"__proto__":{"a":1}}' }),
  },
  {
    name: 'constructor in metadata',
    code: 'ERR_DATA_CORRUPT',
    says: "carries the key 'constructor.prototype'",
    edit: editKind('actor', { meta: '{"constructor":{"prototype":1}}' }),
  },
  {
    name: 'deep metadata',
    code: 'ERR_DATA_CORRUPT',
    says: 'is nested deeper than 200 levels',
    edit: editKind('actor', { meta: `${'['.repeat(5000)}${']'.repeat(5000)}` }),
  },
  {
    name: 'metadata that is no record',
    code: 'ERR_DATA_CORRUPT',
    says: 'is no object',
    edit: editKind('actor', { meta: 'null' }),
  },
  {
    name: 'timers that are none',
    code: 'ERR_DATA_CORRUPT',
    says: 'holds timers that cannot be read',
    edit: editKind('actor', { timers: '[{"id":1}]' }),
  },
  {
    name: 'a field more',
    code: 'ERR_DATA_CORRUPT',
    says: "does not hold what a line of kind 'actor' does",
    edit: editKind('actor', { epoch: 1 }),
  },
];

test.each(HOSTILE)('G19: $name is refused with its line, and nothing comes to be', async ({ code, says, edit }) => {
  await using from = await create();
  const session = await from.system.sessions.create({ id: 'full', user: 'ada' });
  await session.say('hello');
  const lines = rewrite(await exportOf(from), edit);
  await using to = await create();
  const error = await failureOf(to.system.sessions.import(lines), code as never);
  expect(error.message).toContain(says);
  expect((await to.system.list()).items).toEqual([]);
});

test('G19: sessions that are missing as a whole, or stand in another order, are noticed by the footer', async () => {
  await using from = await create();
  for (const id of ['a', 'b']) await (await from.system.sessions.create({ id, user: 'ada' })).say('hello');
  const lines = await exportOf(from);
  const [header, footer] = [lines[0] as string, lines.at(-1) as string];
  const [a, b] = [lines.slice(1, 5), lines.slice(5, 9)];
  await using to = await create();
  for (const body of [a, [...b, ...a]]) {
    const error = await failureOf(to.system.sessions.import([header, ...body, footer]), 'ERR_DATA_CORRUPT');
    expect(error.message).toContain('is a footer that does not match');
  }
  expect((await to.system.list()).items).toEqual([]);
  expect(await to.system.sessions.import([header, ...a, ...b, footer])).toEqual({ sessions: 2, messages: 2 });
});

test('G19: an actor of a type that is not loaded is refused with its line, and nothing comes to be', async () => {
  await using from = await createFull();
  const lines = await exportOf(from);
  await using to = await createSimulatedSystem();
  const error = await failureOf(to.system.sessions.import(lines), 'ERR_ACTOR_TYPE_UNKNOWN');
  expect(error.message).toMatch(/^The import, line \d+ holds 'speaker\/g:1', which cannot be used/);
  expect((await to.system.list()).items).toEqual([]);
});

test('lines that are none are refused', async () => {
  await using troupe = await create();
  const { sessions } = troupe.system;
  expect((await failureOf(sessions.import('x' as never), 'ERR_OPTIONS_INVALID')).message).toContain("Option 'lines'");
  expect((await failureOf(sessions.import([5 as never]), 'ERR_DATA_CORRUPT')).message).toContain(
    'line 1 is 5 (a number)',
  );
  expect((await failureOf(sessions.import(['a\nb\n']), 'ERR_DATA_CORRUPT')).message).toContain(
    'line 1 is more than one',
  );
  expect((await failureOf(sessions.import([]), 'ERR_DATA_CORRUPT')).message).toContain('line 1 is missing');
  await failureOf(sessions.import([], { rename: 5 } as never), 'ERR_OPTIONS_INVALID');
  await failureOf(exportOf(troupe, ['nobody']), 'ERR_SESSION_NOT_FOUND');
});

test('G19: of a file that is damaged or cut off anywhere, nothing comes to be', async () => {
  await using from = await create();
  for (const id of ['a', 'b']) await (await from.system.sessions.create({ id, user: 'ada' })).say('hello');
  const whole = (await exportOf(from)).join('');
  await using to = await create();
  const damage = fc.record({
    at: fc.nat(whole.length - 1),
    kind: fc.constantFrom('cut', 'change', 'drop', 'double'),
    by: fc.constantFrom('x', '0', '"', '{', ' '),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, kind, by }) => {
      const lines = whole.split(/(?<=\n)/);
      const line = whole.slice(0, at).split('\n').length - 1;
      const text =
        kind === 'cut'
          ? whole.slice(0, at)
          : kind === 'change'
            ? whole.slice(0, at) + by + whole.slice(at + 1)
            : kind === 'drop'
              ? lines.toSpliced(line, 1).join('')
              : lines.toSpliced(line, 0, lines[line] as string).join('');
      // The end of the last line may be missing.
      if (text === whole || text === whole.slice(0, -1)) return;
      await failureOf(to.system.sessions.import(text.split(/(?<=\n)/)));
      expect((await to.system.list()).items).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
