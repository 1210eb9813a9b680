/** Command lines of the chaos scripts: whole numbers only, anything else is refused with exit code 2. */
import { parseArgs } from 'node:util';

/** Default and bounds of one option. */
export interface NumberOption {
  readonly usual: number;
  readonly from: number;
  readonly to: number;
  /** What it says, for the usage. */
  readonly text: string;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Parses `--name N` options.
 * @throws {UsageError} naming the option and what it takes.
 */
export function parseNumberOptions<T extends Readonly<Record<string, NumberOption>>>(
  options: T,
  args: readonly string[],
): { readonly [K in keyof T]: number } {
  const values = parseStrictly(options, args);
  const numbers = Object.entries(options).map(([name, option]) => [name, toNumber(name, option, values[name])]);
  return Object.fromEntries(numbers) as { readonly [K in keyof T]: number };
}

/** Runs a script's main function: a usage error goes to standard error with exit code 2, any other error with 1. */
export async function runScript(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function parseStrictly(
  options: Readonly<Record<string, NumberOption>>,
  args: readonly string[],
): Record<string, string> {
  const names = Object.keys(options);
  try {
    const { values } = parseArgs({
      args: [...args],
      options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    });
    return values as Record<string, string>;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage(options)}`, {
      cause: error,
    });
  }
}

function toNumber(name: string, { usual, from, to }: NumberOption, text: string | undefined): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= from && value <= to) return value;
  throw new UsageError(`Option --${name} is '${text}'; it must be a whole number from ${from} to ${to}.`);
}

function usage(options: Readonly<Record<string, NumberOption>>): string {
  const lines = Object.entries(options).map(([name, { usual, text }]) => `  --${name} N  ${text} (default ${usual})`);
  return ['Options:', ...lines].join('\n');
}
