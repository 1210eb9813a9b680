/** The command `troupe`: reads the command line, runs a command, and ends with its code. */
import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { isTroupeError } from '../errors.ts';
import { addDoctor } from './doctor.ts';
import { EXIT, Refusal } from './refusal.ts';
import { Terminal } from './terminal.ts';
import { toLine } from './text.ts';
import { addWatch } from './watch.ts';

const terminal = new Terminal(process);

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = fail(error);
}

async function run(args: readonly string[]): Promise<number> {
  let code: number = EXIT.fine;
  const end = (ended: number): void => void (code = ended);
  const program = new Command('troupe')
    .description('Looks at what Troupe systems say to each other over a NATS server.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .exitOverride();
  addWatch(program, terminal, end);
  addDoctor(program, terminal, end);
  await program.parseAsync(args, { from: 'user' });
  return code;
}

/** Commander has said what is wrong with a command line by the time it throws. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.refused;
  const isOurs = error instanceof Refusal || isTroupeError(error);
  if (isOurs) terminal.note(toLine(error.message));
  else terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.refused;
}

/** The package is one folder above the sources, and one above what was built of them. */
function readVersion(): string {
  const isBuilt = import.meta.url.endsWith('.js');
  const path = new URL(isBuilt ? '../../../package.json' : '../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
}
