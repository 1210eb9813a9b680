/** The gate before every script: what it lets through, what it says when it does not, and what reaches the script. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkNodeVersion, describeOldNode } from '../../bin/node-version.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const gate = join(repository, 'bin/gate.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-gate-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['v0.12.18', false],
  ['v18.20.8', false],
  ['v20.20.2', false],
  ['v22.0.0', false],
  ['v22.17.1', false],
  ['v22.18.0', true],
  ['v22.18.0-nightly20250731', true],
  ['v22.23.3', true],
  ['v23.0.0', true],
  ['v24.21.0', true],
  ['v26.10.0', true],
])('%s is supported: %s', (version, isSupported) => {
  expect(checkNodeVersion(version).isSupported).toBe(isSupported);
});

test('the refusal names what was found, what is needed and the next step, on one line', () => {
  const text = describeOldNode(checkNodeVersion('v20.20.2'), '/usr/bin/node', '/home/ada/troupe');
  for (const part of ['v20.20.2', '/usr/bin/node', '22.18.0', 'npm install', '/home/ada/troupe', 'Node.js 24']) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('\n');
});

test('the refusal of an installed package sends nobody into its folder', () => {
  const text = describeOldNode(checkNodeVersion('v20.20.2'), '/usr/bin/node');
  expect(text).toMatch(
    /^Troupe needs Node\.js 22\.18\.0 or newer, .* Install Node\.js 24, and run it again with that\.$/u,
  );
});

describe('a script behind the gate', () => {
  test('sees its own arguments and sets the exit code', () => {
    const script = writeScript('args.ts', 'console.log(process.argv.slice(2).join()); process.exitCode = 7 as number;');
    const { stdout, status } = runGate(process.execPath, [script, 'a', '--b']);
    expect({ stdout, status }).toEqual({ stdout: 'a,--b\n', status: 7 });
  });

  test('that throws while it is loaded ends with code 1 and its stack', () => {
    const { stderr, status } = runGate(process.execPath, [writeScript('throws.ts', "throw new Error('no luck');")]);
    expect(stderr).toContain('no luck');
    expect(status).toBe(1);
  });

  test('gets the signals sent to the gate', async () => {
    const source = "process.on('SIGINT', () => process.exit(9)); setInterval(() => {}, 1_000); console.log('ready');";
    const child = spawn(process.execPath, [gate, writeScript('signal.ts', source)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([9, null]);
  });
});

test.each([
  [['no-such-script.ts'], 'does not exist'],
  [['--exec', 'no-such-tool'], 'knows no tool'],
  [[], 'Usage'],
])('the gate refuses %j with code 2', (args, message) => {
  const { stderr, status } = runGate(process.execPath, args);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

test('a tool that is not installed is named, with the next step', () => {
  const { stderr, status } = runGate(process.execPath, ['--exec', 'vitest'], copyGate('bare'));
  expect(stderr).toContain("'vitest' is not installed. Run 'npm install'");
  expect(status).toBe(2);
});

const oldNodePath = findOldNode();

describe.runIf(oldNodePath)('on an old Node.js of this machine', () => {
  const script = () => writeScript('version.ts', 'console.log(process.version satisfies string, process.argv[2]);');

  test('without a private Node.js the gate says what to do and ends with code 2', () => {
    const { stdout, stderr, status } = runGate(oldNodePath as string, [script()], copyGate('alone'));
    expect(stderr).toMatch(/^Troupe needs Node\.js 22\.18\.0 or newer, but this is v\d+\.\d+\.\d+ .*\n$/);
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
  });

  test('the command of an installed package says to install another Node.js', () => {
    const command = join(copyGate(join('package', 'node_modules', 'troupe')), '../troupe.mjs');
    const { stderr, status } = spawnSync(oldNodePath as string, [command, '--help'], { encoding: 'utf8' });
    expect(stderr).toMatch(/^Troupe needs Node\.js .* Install Node\.js 24, and run it again with that\.\n$/u);
    expect(status).toBe(2);
  });

  test('the command of the repository runs where a private Node.js is installed', () => {
    const command = join(repository, 'bin/troupe.mjs');
    const { stdout, stderr } = spawnSync(oldNodePath as string, [command, '--help'], { encoding: 'utf8' });
    expect(stdout || stderr).toMatch(
      existsSync(join(repository, 'node_modules', `node-${process.platform}-${process.arch}`))
        ? /^Usage: troupe /u
        : /^Troupe needs Node\.js /u,
    );
  });

  test('with the private Node.js installed the script runs on that one', () => {
    const { stdout, stderr, status } = runGate(oldNodePath as string, [script(), 'x']);
    if (existsSync(join(repository, 'node_modules', `node-${process.platform}-${process.arch}`))) {
      expect(stdout).toMatch(/^v24\.\d+\.\d+ x\n$/);
      expect(status).toBe(0);
    } else {
      expect(stderr).toContain('Troupe needs Node.js');
    }
  });
});

function runGate(nodePath: string, args: readonly string[], gatePath = gate) {
  return spawnSync(nodePath, [gatePath, ...args], { encoding: 'utf8', cwd: folder });
}

function writeScript(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, `${source}\n`);
  return path;
}

/** The gate in a repository where nothing is installed. */
function copyGate(name: string): string {
  cpSync(join(repository, 'bin'), join(folder, name, 'bin'), { recursive: true });
  return join(folder, name, 'bin/gate.mjs');
}

/** An old Node.js that is on PATH, where there is one. */
function findOldNode(): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((entry) => join(entry, 'node'));
  return paths.find((path) => {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return typeof stdout === 'string' && /^v\d/.test(stdout) && !checkNodeVersion(stdout.trim()).isSupported;
  });
}
