/** `troupe doctor`: what a NATS server is, what it promises, and what is to be mended. */
import type { Command } from 'commander';
import { createRealEnv } from '../env.ts';
import type { NatsClient } from '../nats/client.ts';
import { diagnose } from '../nats/diagnosis.ts';
import type { Finding } from '../nats/diagnosis.ts';
import { addConnectionOptions, openClient } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { describeFacts, describeFinding } from './doctor-report.ts';
import { gatherFacts } from './facts.ts';
import { EXIT } from './refusal.ts';
import type { Terminal } from './terminal.ts';
import { toSafeJson } from './text.ts';

interface DoctorFlags extends ConnectionFlags {
  readonly monitor?: string;
  readonly systemUser?: string;
  readonly systemPassword?: string;
  readonly systemCreds?: string;
  readonly json?: boolean;
}

const HELP = `
Ends with code 0 when all is well, 1 when something is to be mended, 2 when the server could not be asked. When it syncs its disk a
server tells the monitoring port, or the system account, and nobody else.`;

/** Adds the command. @param end takes the code of the process */
export function addDoctor(program: Command, terminal: Terminal, end: (code: number) => void): void {
  const command = program
    .command('doctor')
    .description('examine a server: what it promises, and what is to be mended')
    .option('--monitor <url>', 'monitoring port of the server, such as http://127.0.0.1:8222')
    .option('--system-user <name>', 'user of the system account')
    .option('--system-password <text>', 'password of that user')
    .option('--system-creds <file>', 'credentials file of the system account')
    .option('--json', 'facts and findings as one JSON object');
  addConnectionOptions(command).addHelpText('after', HELP);
  command.action(async (flags: DoctorFlags) => end(await examine(flags, terminal)));
}

async function examine(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const client = await openClient(flags, 'troupe doctor');
  const system = await openSystem(flags).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  try {
    const facts = await gatherFacts({ client, system, monitor: flags.monitor, env: createRealEnv() });
    const findings = diagnose(facts);
    const lines = flags.json
      ? [toSafeJson({ ...facts, findings })]
      : [...describeFacts(facts), '', ...findings.flatMap(describeFinding)];
    for (const line of lines) await terminal.print(line);
    return codeOf(findings);
  } finally {
    await Promise.all([client.close(), system?.close()]);
  }
}

function codeOf(findings: readonly Finding[]): number {
  return findings.some(({ level }) => level === 'mend') ? EXIT.toMend : EXIT.fine;
}

/** A connection to the system account of the same server, if its credentials were given. */
async function openSystem(flags: DoctorFlags): Promise<NatsClient | undefined> {
  const { systemUser: user, systemPassword: password, systemCreds: creds } = flags;
  if (user === undefined && creds === undefined) return undefined;
  const { user: _user, password: _password, token: _token, creds: _creds, ...others } = flags;
  const credentials = {
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(creds !== undefined && { creds }),
  };
  return openClient({ ...others, ...credentials }, 'troupe doctor (system account)');
}
