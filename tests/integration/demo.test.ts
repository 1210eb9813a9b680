/** The main demo as users run it: as a process of its own, ended at any moment, resumed, and fed with bad input. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createChaosRandom } from '../support/chaos-random.ts';

const SCRIPT = fileURLToPath(new URL('../../actors/digest/demo.ts', import.meta.url));
const LICENSE = fileURLToPath(new URL('../../LICENSE', import.meta.url));
const LONG_MS = 240_000;
const LEAST_KILLS = 4;
const PACE_MS = 120;
const LAST_TURN = 6;
/** The first round counts for nothing when its reviewer has missed its turn. */
const LAST_SLOW_TURN = 9;

let folder: string;
/** The digest of a run that nothing interrupted. */
let reference: { readonly life: Life; readonly digest: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-demo-'));
  const life = await live(['--data', 'reference', '--pace', '0', '--out', 'reference.md']);
  reference = { life, digest: existsSync(join(folder, 'reference.md')) ? read('reference.md') : '' };
}, LONG_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a run that nothing interrupts', () => {
  test('shows each turn once, the end of a thread, the digest and the figures', () => {
    const { code, stdout, stderr } = reference.life;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const turns = [...stdout.matchAll(/^turn (\d+) +(\w+)/gmu)].map(([, turn, name]) => `${turn} ${name}`);
    expect(turns).toEqual(['1 researcher', '2 writer', '3 reviewer', '4 researcher', '5 writer', '6 reviewer']);
    expect(stdout).toMatch(/^… turn 1 of at most 9: researcher is at work$/mu);
    expect(stdout).toMatch(/— ending worker thread [01], which holds the writer —/u);
    expect(stdout).toMatch(/— a new thread holds the writer after \d+ ms/u);
    expect(stdout).toContain(`\n\n${reference.digest}\n── figures ──\n`);
    expect(stdout).toMatch(/^events +\d+ .*\ncommits +\d+.*\nsends .*p50 [\d.]+ ms.*\nbytes .*\d [KM]B/mu);
  });

  test('makes its digest of sentences that are in the document', () => {
    const document = readFileSync(LICENSE, 'utf8').replace(/\s+/gu, ' ');
    const quoted = reference.digest
      .split('\n')
      .filter((line) => /^\*\*[^*]+\.\*\* /u.test(line))
      .map((line) => line.replace(/^\*\*[^*]+\.\*\* /u, ''));
    expect(quoted.length).toBeGreaterThan(2);
    for (const sentence of quoted) expect(document).toContain(sentence.slice(1, -1));
  });

  test('says again what it found when it is resumed after its end', async () => {
    const { code, stdout } = await live(['--resume', '--data', 'reference']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^resumed after turn 6, the last: /u);
    expect(stdout).not.toMatch(/^turn \d/mu);
    expect(stdout).toContain(`\n\n${reference.digest}\n── figures ──\n`);
  });
});

test(
  'G1, G5: the digest is the same byte for byte however often the process is killed',
  { timeout: LONG_MS },
  async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const random = createChaosRandom(seed);
    let kills = 0;
    for (let round = 0; kills < LEAST_KILLS; round += 1) {
      const lives = await surviveKills(`killed-${round}`, () => ({
        lines: random.between(1, 4),
        delayMs: random.between(0, 2 * PACE_MS),
      }));
      kills += lives.length - 1;
      const story = `SEED=${seed}\n${lives.map(({ stdout, stderr }) => stdout + stderr).join('\n=== killed ===\n')}`;
      expect(lives.at(-1)?.code, story).toBe(0);
      expect(read(`killed-${round}.md`), story).toBe(reference.digest);
      expectTurns(lives, story);
    }
  },
);

describe('a run whose reviewer is slow', () => {
  test('shows the missed turn and goes on to the same digest', { timeout: LONG_MS }, async () => {
    const life = await live(['--slow', '--data', 'slow', '--pace', '0', '--out', 'slow.md']);
    expect({ code: life.code, stderr: life.stderr }).toEqual({ code: 0, stderr: '' });
    expect(life.stdout).toMatch(/^The reviewer is slow today; a turn not taken within 1012 ms is lost\.$/mu);
    expect(life.stdout).toMatch(/^turn 3 +reviewer +has lost its turn: no answer within 1012 ms$/mu);
    expect(life.stdout).toMatch(/^turn 6 +reviewer +draft 1: /mu);
    expectTurns([life], life.stdout, LAST_SLOW_TURN);
    expect(read('slow.md')).toBe(reference.digest);
    const hasty = await live(['--resume', '--data', 'slow', '--pace', '1']);
    expect(hasty).toMatchObject({ code: 2, stdout: '' });
    expect(hasty.stderr).toMatch(/^In a --slow run .*'--pace' can be 0 at most.*\n$/u);
  });

  test('G11: misses that turn also when the process is killed in its middle', { timeout: LONG_MS }, async () => {
    // The pause makes the turn long enough that the next process finds it unfinished.
    const begin = ['--slow', '--data', 'slow-killed', '--pace', '1500', '--out', 'slow-killed.md'];
    const first = await live(begin, { until: /^… turn 3 /mu, delayMs: 300 });
    expect(first.signal).toBe('SIGKILL');
    const second = await live(['--resume', '--data', 'slow-killed', '--pace', '0']);
    const story = `${first.stdout}\n=== killed ===\n${second.stdout}${second.stderr}`;
    expect(second.stdout, story).toMatch(/^resumed after turn 2: /u);
    expect(second.stdout, story).toMatch(/^turn 3 +reviewer +has lost its turn: /mu);
    expectTurns([first, second], story, LAST_SLOW_TURN);
    expect(read('slow-killed.md'), story).toBe(reference.digest);
  });
});

describe('a run with faults', () => {
  test('shows each fault and what is done about it, and comes to the same digest', { timeout: LONG_MS }, async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e6));
    const life = await live(['--chaos', '--seed', `${seed}`, '--data', 'chaos', '--pace', '0', '--out', 'chaos.md']);
    const { code, stdout, stderr } = life;
    const story = `SEED=${seed}\n${stdout}${stderr}`;
    expect({ code, stderr }, story).toEqual({ code: 0, stderr: '' });
    const struck = [...stdout.matchAll(/^ +fault \d+, in turn \d+: (.+)$/gmu)].map(([, what]) => what);
    expect(struck.length, story).toBeGreaterThanOrEqual(4);
    expect(new Set(struck).size, story).toBe(4);
    expect(stdout, story).toMatch(/the runtime: thread [01] is gone \(exit\), because of \w+; decision: replace$/mu);
    expect(stdout, story).toMatch(
      /thread [01] is gone \(hang, blocked for \d+ ms\), because of \w+; decision: replace$/mu,
    );
    expect(stdout, story).toMatch(/the runtime: \w+ failed \(stall: .*\); decision: restart, attempt \d$/mu);
    expect(stdout, story).toMatch(/the runtime: \w+ failed \(event: chaos: .*\); decision: retry, attempt \d$/mu);
    const recovered = stdout.match(/the runtime: \w+ serves again, \d+ ms after the fault$/gmu) ?? [];
    expect(recovered.length, story).toBe(struck.length);
    expectTurns([life], story);
    expect(read('chaos.md'), story).toBe(reference.digest);
  });

  test('goes on with the faults that are left when it is resumed', { timeout: LONG_MS }, async () => {
    const begin = ['--chaos', '--seed', '1', '--data', 'chaos-killed', '--pace', '100', '--out', 'chaos-killed.md'];
    const first = await live(begin, { until: /thread [01] is gone/mu, delayMs: 50 });
    expect(first.signal).toBe('SIGKILL');
    const second = await live(['--resume', '--data', 'chaos-killed', '--pace', '0']);
    const story = `${first.stdout}\n=== killed ===\n${second.stdout}${second.stderr}`;
    expect(second.code, story).toBe(0);
    const struck = /^faults +(\d) of \d kinds in this process \(--seed 1\)/mu.exec(second.stdout);
    const before = first.stdout.match(/ fault \d, in turn/gu)?.length ?? 0;
    expect(Number(struck?.[1]), story).toBeGreaterThan(0);
    // One may have struck and not been shown when the process was killed.
    expect(Number(struck?.[1]) + before, story).toBeLessThanOrEqual(6);
    expectTurns([first, second], story);
    expect(read('chaos-killed.md'), story).toBe(reference.digest);
  });
});

test('Ctrl-C says how to go on, and that goes on after the last turn', { timeout: LONG_MS }, async () => {
  const first = await live(['--data', 'stopped', '--pace', '300'], {
    until: /^turn 2 /mu,
    signal: 'SIGINT',
  });
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 130, stderr: '' });
  expect(first.stdout).toMatch(/\nstopping; go on with: npm run demo -- --resume --data stopped\n$/u);
  const second = await live(['--resume', '--data', 'stopped', '--pace', '0', '--out', 'stopped.md']);
  expect(second.stdout).toMatch(/^resumed after turn [23]: /u);
  expect(second.stdout).not.toContain('ending worker thread');
  expectTurns([first, second]);
  expect(read('stopped.md')).toBe(reference.digest);
});

test(
  'a second demo in the same folder is refused, and a new run puts the former one aside',
  { timeout: LONG_MS },
  async () => {
    const held = live(['--data', 'held', '--pace', '60000'], { until: /^… turn 1/mu, during: refusedTwice });
    async function refusedTwice(): Promise<void> {
      for (const args of [[], ['--resume']]) {
        const rival = await live([...args, '--data', 'held']);
        expect(rival).toMatchObject({ code: 2, stdout: '' });
        expect(rival.stderr).toMatch(/^A demo is at work in '.*held' \(process \d+\)\. .*\n$/u);
      }
    }
    expect((await held).signal).toBe('SIGKILL');
    const anew = await live(['--data', 'held', '--pace', '0', '--out', 'anew.md']);
    expect(anew.stdout).toMatch(/^Starting anew; the former run in this folder is removed\.\n/u);
    expect(read('anew.md')).toBe(reference.digest);
  },
);

test('a reader that goes away ends the demo without a stack', { timeout: LONG_MS }, async () => {
  const { code, stderr } = await live(['--data', 'unread', '--pace', '100'], { until: /^turn 1 /mu, closes: true });
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^stopping, as nobody reads the output; go on with: npm run demo -- --resume --data unread\n$/u,
  );
});

describe('what cannot be done is refused in one line that says why, with exit code 2', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'empty.txt'), '');
    writeFileSync(join(folder, 'binary.dat'), Buffer.from([0x7f, 0x45, 0, 1]));
    writeFileSync(join(folder, 'latin.txt'), Buffer.from([0x63, 0x61, 0x66, 0xe9]));
    writeFileSync(join(folder, 'huge.txt'), 'a word '.repeat(900_000));
    writeFileSync(join(folder, 'text.txt'), 'Enough words for a digest.');
    mkdirSync(join(folder, 'foreign'));
    writeFileSync(join(folder, 'foreign', 'run.json'), '{}');
    symlinkSync('loop', join(folder, 'loop'));
  });

  test.each([
    [['missing.txt'], "'.*missing.txt': there is no such file"],
    [['empty.txt'], "'.*empty.txt': it is empty"],
    [['binary.dat'], "'.*binary.dat': it is a binary file"],
    [['latin.txt'], "'.*latin.txt': it is not UTF-8 text"],
    [['huge.txt'], "'.*huge.txt': it has 6300000 bytes"],
    [['.'], "'.*': it is a folder"],
    [['loop'], "'.*loop': the link leads back to itself"],
    [['text.txt', '--words', '5'], "'--words' takes a whole number from 20 to 1000, not '5'"],
    [['text.txt', '--pace', 'slow'], "'--pace' takes a whole number"],
    [['text.txt', '--out', 'missing/digest.md'], "'.*digest.md': its folder does not exist"],
    [['text.txt', '--out', 'text.txt'], "'.*text.txt': it is the document itself"],
    [['text.txt', '--data', 'empty.txt'], "'.*empty.txt' cannot be used"],
    [['text.txt', '--data', 'foreign'], "'.*foreign' holds a 'run.json' that is not the demo's"],
    [['text.txt', 'empty.txt'], "'empty.txt' is one too many"],
    [['--faster'], "Unknown option '--faster'"],
    [['--resume'], "nothing to resume in '.*refused'"],
    [['--resume', 'text.txt'], 'Leave FILE out'],
    [['--resume', '--slow'], 'Leave --slow out'],
    [['--resume', '--chaos'], 'Leave --chaos out'],
    [['text.txt', '--seed', '7'], "'--seed' says what --chaos does"],
    [['text.txt', '--chaos', '--seed', 'x'], "'--seed' takes a whole number"],
    [['text.txt', '--chaos', '--slow'], 'Leave one of them out'],
    [['text.txt', '--slow=yes'], "Option '--slow' does not take an argument"],
  ])('%j', (args, problem) => {
    const data = args.includes('--data') ? [] : ['--data', 'refused'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args, ...data], {
      cwd: folder,
      encoding: 'utf8',
      env: environment(),
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/u);
    expect(stderr).toMatch(new RegExp(problem, 'u'));
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  test('an option that npm kept for itself', () => {
    const env = { ...environment(), npm_lifecycle_event: 'demo', npm_config_resume: 'true' };
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd: folder, encoding: 'utf8', env });
    expect(status).toBe(2);
    expect(stderr).toBe("npm kept '--resume' for itself. Put two dashes before it: npm run demo -- --resume\n");
  });
});

/** What one process of the demo left behind. */
interface Life {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** When and how a life ends before its time. */
interface Interruption {
  /** Lines of output after which it is due. */
  readonly lines?: number;
  /** Output after which it is due. */
  readonly until?: RegExp;
  readonly delayMs?: number;
  /** @default 'SIGKILL' */
  readonly signal?: NodeJS.Signals;
  /** Closes its output instead. */
  readonly closes?: boolean;
  /** Awaited first. */
  readonly during?: () => Promise<void>;
}

/** Runs the demo from the test's folder until it ends or is interrupted. */
async function live(args: readonly string[], interruption?: Interruption): Promise<Life> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { cwd: folder, env: environment() });
  let stdout = '';
  let stderr = '';
  let interrupted: Promise<void> | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (interruption && isDue(interruption, stdout)) interrupted ??= interrupt(child, interruption);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  await interrupted;
  return { code, signal, stdout, stderr };
}

function isDue({ lines = 0, until = /^/u }: Interruption, stdout: string): boolean {
  return stdout.split('\n').length > lines && until.test(stdout);
}

async function interrupt(
  child: ReturnType<typeof spawn>,
  { delayMs = 0, signal = 'SIGKILL', closes = false, during }: Interruption,
): Promise<void> {
  try {
    await during?.();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  } finally {
    if (closes) child.stdout?.destroy();
    else child.kill(signal);
  }
}

/** Begins a run, kills it and resumes it until it comes to its end. */
async function surviveKills(name: string, choose: () => { lines: number; delayMs: number }): Promise<readonly Life[]> {
  const { lines, delayMs } = choose();
  const begin = ['--data', name, '--pace', String(PACE_MS), '--out', `${name}.md`];
  // The first lines of a new run come before its first turn.
  const lives = [await live(begin, { lines: lines + 3, delayMs })];
  while (lives.at(-1)?.signal === 'SIGKILL') lives.push(await live(['--resume', '--data', name], choose()));
  return lives;
}

/** Every life shows the turns after the last one that was saved before it, in order; the last life shows the end. */
function expectTurns(lives: readonly Life[], story?: string, last = LAST_TURN): void {
  let shown = 0;
  for (const { stdout } of lives) {
    const saved = Number(/^resumed after turn (\d+)/u.exec(stdout)?.[1] ?? 0);
    const turns = [...stdout.matchAll(/^turn (\d+) /gmu)].map(([, turn]) => Number(turn));
    expect(saved, story).toBeGreaterThanOrEqual(shown);
    expect(turns, story).toEqual(turns.map((_, at) => saved + 1 + at));
    shown = saved + turns.length;
  }
  expect(shown, story).toBe(last);
}

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

/** Paths are taken from the folder of the test, not from where npm was started. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|INIT_CWD|FORCE_COLOR)/u.test(name)),
  );
}
