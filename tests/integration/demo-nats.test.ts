/** The demo over a NATS server, with `troupe watch` beside it in another process. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCli, startDemo } from '../support/cli-run.ts';
import type { CliRun } from '../support/cli-run.ts';
import { NATS_VERSIONS } from '../support/nats-binary.ts';
import { connectRaw } from '../support/nats-raw.ts';
import { startNatsServer } from '../support/nats-server.ts';
import type { NatsServer } from '../support/nats-server.ts';

const LONG_MS = 180_000;
const TURNS = [1, 2, 3, 4, 5, 6].map((turn) => `agent.${['reviewer', 'researcher', 'writer'][turn % 3]}.turn ${turn}`);
const ALL = [...TURNS, 'digest.done undefined'];

let folder: string;
/** The digest of a run without a server. */
let reference: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-demo-nats-'));
  await using alone = startDemo(folder, '--data', 'alone', '--pace', '0', '--out', 'alone.md');
  expect(await alone.ended()).toMatchObject({ code: 0, stderr: '' });
  reference = readFileSync(join(folder, 'alone.md'), 'utf8');
}, LONG_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(NATS_VERSIONS)('on NATS %s', (version) => {
  test(
    'shows the line for a second terminal, where each turn is seen once, in order',
    { timeout: LONG_MS },
    async () => {
      await using server = await startNatsServer({ version });
      await using demo = startDemo(folder, ...run(`whole-${version}`), '--pace', '300', '--nats', server.url);
      await demo.prints(/^turn 1 /mu);
      const line = `Watch it in a second terminal: npx troupe watch 'agent.>' --nats ${server.url}\n`;
      expect(demo.stdout).toContain(line);
      await using watching = watch(server);
      expect(await demo.ended()).toMatchObject({ code: 0, stderr: '' });
      expect(await allSeenBy(watching, server)).toEqual(ALL);
      expect(read(`whole-${version}.md`)).toBe(reference);
    },
  );

  test(
    'killed and resumed it goes on over the same server, and nothing is seen twice',
    { timeout: LONG_MS },
    async () => {
      await using server = await startNatsServer({ version });
      const name = `killed-${version}`;
      {
        await using first = startDemo(folder, ...run(name), '--pace', '200', '--nats', server.url);
        await first.prints(/^turn 3 /mu);
      }
      await using second = startDemo(folder, '--resume', ...run(name), '--pace', '0');
      await second.prints(/^Watch it in a second terminal: npx troupe watch 'agent\.>' --nats /mu);
      await using watching = watch(server);
      expect(await second.ended()).toMatchObject({ code: 0, stderr: '' });
      expect(await allSeenBy(watching, server)).toEqual(ALL);
      expect(read(`${name}.md`)).toBe(reference);
    },
  );
});

test(
  'goes on without its server, and what was said meanwhile is seen when both are back',
  { timeout: LONG_MS },
  async () => {
    await using server = await startNatsServer();
    {
      await using demo = startDemo(folder, ...run('lonely'), '--pace', '200', '--nats', server.url);
      await demo.prints(/^turn 2 /mu);
      await server.kill();
      expect(await demo.ended()).toMatchObject({ code: 0, stderr: '' });
      expect(read('lonely.md')).toBe(reference);
    }
    await server.restart();
    await using again = startDemo(folder, '--resume', '--data', 'lonely');
    await using watching = watch(server);
    expect(await again.ended()).toMatchObject({ code: 0, stderr: '' });
    expect(await allSeenBy(watching, server)).toEqual(ALL);
  },
);

describe('what cannot be done is refused in one line that says why, with code 2', () => {
  let server: NatsServer;
  let bare: NatsServer;

  beforeAll(async () => {
    server = await startNatsServer({ auth: { users: [{ user: 'ada', password: 'right' }] } });
    bare = await startNatsServer({ jetstream: false });
  });

  afterAll(() => Promise.all([server?.stop(), bare?.stop()]));

  test.each<[string, () => string, RegExp]>([
    ['no server', () => 'nats://127.0.0.1:1', /^No NATS server answers at nats:\/\/127\.0\.0\.1:1: .*--nats\.$/u],
    ['another scheme', () => 'http://ada:secret@127.0.0.1', /^Option '--nats' has the scheme 'http:'/u],
    ['nothing', () => '', /^Option '--nats' /u],
    ['wrong credentials', () => withUser(server, 'ada:secret'), /does not accept the credentials/u],
    ['no JetStream', () => bare.url, /has no JetStream/u],
  ])('%s', async (_what, url, problem) => {
    await using demo = startDemo(folder, '--data', 'refused', '--nats', url());
    const { code, stdout, stderr } = await demo.ended();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/u);
    expect(stderr.trimEnd()).toMatch(problem);
    expect(stderr).not.toContain('secret');
    expect(existsSync(join(folder, 'refused', 'run.json'))).toBe(false);
  });

  test('the credentials of a URL are used, and not shown', async () => {
    await using demo = startDemo(folder, '--data', 'let-in', '--nats', withUser(server, 'ada:right'));
    await demo.prints(/^turn 1 /mu);
    expect(demo.stdout).toContain(`npx troupe watch 'agent.>' --nats ${server.url}\n`);
    expect(demo.stdout).not.toContain('right@');
  });
});

const run = (name: string): readonly string[] => ['--data', name, '--out', `${name}.md`];

const withUser = (server: NatsServer, user: string): string => server.url.replace('//', `//${user}@`);

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

function watch(server: NatsServer): CliRun {
  return startCli('watch', 'agent.>', 'digest.>', '--json', '--since', '1h', '--nats', server.url);
}

/** What was seen of all that a demo published before it ended: nothing of it can come behind what is published now. */
async function allSeenBy(watching: CliRun, server: NatsServer): Promise<readonly string[]> {
  await using raw = await connectRaw(server.url);
  const last = { specversion: '1.0', id: 'last', source: 'test', type: 'digest.last', data: {} };
  await raw.request('troupe.default.events.digest.last', JSON.stringify(last));
  await watching.prints(/"digest\.last"/u);
  const events = watching.lines.map(
    (line) => JSON.parse(line) as { readonly type: string; readonly data: { readonly turn?: number } },
  );
  return events.slice(0, -1).map(({ type, data }) => `${type} ${data.turn}`);
}
