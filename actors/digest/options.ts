/** The command line of the demo: options, their bounds, and what is said when they are wrong. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isTroupeError } from '../../src/index.ts';
import { resolveNatsOptions } from '../../src/nats/options.ts';

/** Something the demo cannot do as it was asked. The message is one line for a person; the exit code is 2. */
export class Refusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refusal';
  }
}

/** What the demo was asked to do. Paths are absolute. */
export interface DemoOptions {
  readonly isResume: boolean;
  /** Document to digest; the licence of this repository when none was named. */
  readonly file: string;
  /** Folder of the run's data. */
  readonly data: string;
  /** How the folder was named by the user, when it was. */
  readonly dataName: string | undefined;
  /** Where the digest is written, too. */
  readonly out: string | undefined;
  readonly lengthWords: number;
  /** Undefined: 600 for a new run, as before for one that goes on. */
  readonly paceMs: number | undefined;
  /** The reviewer takes too long for its first answer. */
  readonly isSlow: boolean;
  /** Faults are injected, as drawn from `seed`. */
  readonly isChaos: boolean;
  /** Undefined: one is drawn. */
  readonly seed: number | undefined;
  /** URL of a NATS server; undefined: none for a new run, as before for one that goes on. */
  readonly nats: string | undefined;
}

export const HELP = `Three agents, a supervised group, write a digest of a document. Every turn is saved before the next begins.

  npm run demo [-- [FILE] [options]]

  FILE          document to digest: UTF-8 text of at most 5 MB (default: the licence of this repository)
  --resume      go on with the run that was interrupted, from its last saved turn
  --words N     length of the digest in words, 20 to 1000 (default 160)
  --out FILE    write the digest to FILE as well
  --data DIR    folder of the run's data (default .troupe/demo in this repository)
  --pace MS     pause before each turn, 0 to 60000 (default 600)
  --slow        let the reviewer miss its first turn: it answers too late, and the others go on
  --chaos       let turns throw, threads end and hang, work stall, while the agents are at it; the digest comes out the same
  --seed S      with --chaos: which faults, and when, 0 to 999999999 (default: drawn, and shown)
  --nats URL    run over a NATS server, where others can watch: npx troupe watch 'agent.>'
  --help        print this

Interrupt it whenever you like, with Ctrl-C or kill -9; --resume goes on, and the digest comes out the same.`;

const DEFAULT_WORDS = 160;
const DEFAULT_NATS = 'nats://127.0.0.1:4222';
const ROOT = new URL('../../', import.meta.url);
const SEE_HELP = 'See npm run demo -- --help.';

const OPTIONS = {
  resume: { type: 'boolean' },
  words: { type: 'string' },
  out: { type: 'string' },
  data: { type: 'string' },
  pace: { type: 'string' },
  slow: { type: 'boolean' },
  chaos: { type: 'boolean' },
  seed: { type: 'string' },
  nats: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Reads the command line. `undefined`: help was asked for.
 * @throws {Refusal} when an option is unknown, or a value is out of bounds.
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions | undefined {
  assertNothingSwallowed(env);
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const isResume = values.resume ?? false;
  const [file, extra] = positionals;
  if (extra !== undefined) throw new Refusal(`One FILE at a time; '${toLine(extra)}' is one too many. ${SEE_HELP}`);
  const { words, slow, chaos, seed } = values;
  if (isResume) assertNothingNew({ FILE: file, '--words': words, '--slow': slow, '--chaos': chaos, '--seed': seed });
  assertOneTrouble(values);
  for (const name of ['data', 'out'] as const) assertGiven(name, values[name]);
  const cwd = env['INIT_CWD'] ?? process.cwd();
  return {
    isResume,
    file: file === undefined ? fileURLToPath(new URL('LICENSE', ROOT)) : file && resolve(cwd, file),
    data: values.data === undefined ? fileURLToPath(new URL('.troupe/demo', ROOT)) : resolve(cwd, values.data),
    dataName: values.data,
    out: values.out === undefined ? undefined : resolve(cwd, values.out),
    lengthWords: readNumber('words', values.words, [20, 1000]) ?? DEFAULT_WORDS,
    paceMs: readNumber('pace', values.pace, [0, 60_000]),
    isSlow: values.slow ?? false,
    isChaos: values.chaos ?? false,
    seed: readNumber('seed', values.seed, [0, 999_999_999]),
    nats: values.nats === undefined ? undefined : checkNats(values.nats),
  };
}

/** The command that goes on with a run in the same folder. */
export function resumeCommand({ dataName }: DemoOptions): string {
  return `npm run demo -- --resume${dataName === undefined ? '' : ` --data ${quote(dataName)}`}`;
}

/** The command that shows, in another terminal, what a run over a NATS server publishes. Secrets of the URL are left out. */
export function watchCommand(nats: string): string {
  const url = resolveNatsOptions(nats).servers.join(',');
  return `npx troupe watch 'agent.>'${url === DEFAULT_NATS ? '' : ` --nats ${quote(url)}`}`;
}

/** Text on one line: what a file name or a message may hold must not break it. */
export function toLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    // Node's advice after the first sentence is about positional arguments that begin with a dash.
    const [problem = ''] = toLine((cause as Error).message).split(/\. |$/u);
    throw new Refusal(`${problem}. ${SEE_HELP}`, { cause });
  }
}

/** Without the two dashes npm takes options for its own, and `--resume` would start anew. */
function assertNothingSwallowed(env: NodeJS.ProcessEnv): void {
  if (env['npm_lifecycle_event'] !== 'demo') return;
  const swallowed = Object.keys(OPTIONS).find((name) => env[`npm_config_${name}`] !== undefined);
  if (swallowed === undefined) return;
  throw new Refusal(`npm kept '--${swallowed}' for itself. Put two dashes before it: npm run demo -- --${swallowed}`);
}

function assertNothingNew(values: Readonly<Record<string, string | boolean | undefined>>): void {
  const idle = Object.keys(values).find((name) => values[name] !== undefined);
  if (idle === undefined) return;
  throw new Refusal(
    `--resume goes on with the document, length, members and faults of the run. Leave ${idle} out, or start anew without --resume.`,
  );
}

function assertOneTrouble({ slow, chaos, seed }: { slow?: boolean; chaos?: boolean; seed?: string }): void {
  if (seed !== undefined && !chaos)
    throw new Refusal(`Option '--seed' says what --chaos does. Add --chaos, or leave it out.`);
  if (!slow || !chaos) return;
  throw new Refusal(
    'In a --slow run turns have a deadline, which a fault of --chaos would miss. Leave one of them out.',
  );
}

function assertGiven(name: string, value: string | undefined): void {
  if (value === '') throw new Refusal(`Option '--${name}' needs a path. ${SEE_HELP}`);
}

function checkNats(url: string): string {
  try {
    resolveNatsOptions(url);
    return url;
  } catch (cause) {
    if (!isTroupeError(cause)) throw cause;
    throw new Refusal(cause.message.replace(/^createSystem: option '[^']+'/u, "Option '--nats'"), { cause });
  }
}

function readNumber(
  name: string,
  text: string | undefined,
  [least, most]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Refusal(`Option '--${name}' takes a whole number from ${least} to ${most}, not '${toLine(text)}'.`);
}

function quote(text: string): string {
  return /^[\w./:,~-]+$/.test(text) ? text : `'${toLine(text).replaceAll("'", String.raw`'\''`)}'`;
}
