/** Runs a chaos script as the command line does and reads the JSON of its last line. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface ScriptResult {
  readonly code: number | null;
  /** Everything it wrote, for the message of a failed test. */
  readonly output: string;
  /** The last line, parsed; nothing when it is not JSON. */
  readonly summary: Readonly<Record<string, unknown>> | undefined;
}

/** Runs `node bin/gate.mjs tests/chaos/NAME` to its end. */
export async function runChaosScript(name: string, args: readonly string[]): Promise<ScriptResult> {
  const child = spawn(process.execPath, ['bin/gate.mjs', `tests/chaos/${name}`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output, summary: parseSummary(output) };
}

function parseSummary(output: string): ScriptResult['summary'] {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as ScriptResult['summary']) : undefined;
}
