/** `troupe watch`: shows events as they come, those of the last while first. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { matchesPattern, parsePattern } from '../bus/subjects.ts';
import { createRealEnv } from '../env.ts';
import type { NatsClient, StreamMessage } from '../nats/client.ts';
import { toEventSubject, toTopic } from '../nats/names.ts';
import { addConnectionOptions, openClient } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './refusal.ts';
import { StreamWatch } from './stream-watch.ts';
import type { Terminal } from './terminal.ts';
import { parseSpan } from './text.ts';
import { readWatched, toJsonLine, toReadableLine } from './watched-event.ts';

interface WatchFlags extends ConnectionFlags {
  /** Milliseconds. */
  readonly since?: number;
  readonly limit?: number;
  readonly json?: boolean;
}

interface Watching {
  readonly client: NatsClient;
  readonly patterns: readonly string[];
  readonly flags: WatchFlags;
  readonly terminal: Terminal;
}

const HELP = `
Patterns are tokens joined by dots: '*' stands for one token, '>' at the end for one or more. Put them between quotes. What the
runtime says of itself is for those who name it: 'system.>'. Ends with Ctrl-C, or after --limit events.

  troupe watch 'agent.>' --since 10m
  troupe watch 'order.*' --json | head -1`;

/** Adds the command. @param end takes the code of the process */
export function addWatch(program: Command, terminal: Terminal, end: (code: number) => void): void {
  const command = program
    .command('watch')
    .description('show events as they are published')
    .argument('[patterns...]', 'what to show (default: ">")')
    .option('--since <span>', 'first what was published in the last while: 30s, 10m, 2h, 7d', toSpanMs)
    .option('--limit <n>', 'end after so many events', toLimit)
    .option('--json', 'one CloudEvent per line, as JSON');
  addConnectionOptions(command).addHelpText('after', HELP);
  command.action(async (patterns: readonly string[], flags: WatchFlags) => {
    end(await watch(patterns.length > 0 ? patterns : ['>'], flags, terminal));
  });
}

async function watch(given: readonly string[], flags: WatchFlags, terminal: Terminal): Promise<number> {
  const patterns = given.map(parsePattern);
  const client = await openClient(flags, 'troupe watch');
  try {
    await show({ client, patterns, flags, terminal });
  } finally {
    await client.close();
  }
  return EXIT.fine;
}

/** Resolves when enough was shown, or with Ctrl-C. */
async function show({ client, patterns, flags, terminal }: Watching): Promise<void> {
  const env = createRealEnv();
  const { namespace } = client;
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  const limit = flags.limit ?? Number.POSITIVE_INFINITY;
  const since = flags.since === undefined ? undefined : env.now() - flags.since;
  let shown = 0;
  const onMessage = async (message: StreamMessage, isOld: boolean): Promise<void> => {
    const topic = toTopic(namespace, message.subject) ?? message.subject;
    const isTooOld = isOld && since !== undefined && message.time < since;
    if (isTooOld || shown >= limit || !patterns.some((pattern) => matchesPattern(pattern, topic))) return;
    shown += 1;
    const event = readWatched(message, topic);
    const { columns } = terminal;
    await terminal.print(flags.json ? toJsonLine(event) : toReadableLine(event, { now: env.now(), columns }));
    if (shown >= limit) finish();
  };
  const note = (line: string): void => terminal.note(line);
  // Servers before 2.10 know one filter, and later ones refuse two that overlap: several are looked through here.
  const [only, ...others] = patterns;
  const subjects = only === undefined || others.length > 0 ? undefined : [toEventSubject(namespace, only)];
  const watching = new StreamWatch({ client, env, subjects, onMessage, note });
  const stopListening = client.onState((state, detail) => {
    terminal.note(describeState(client, state, detail));
    if (state === 'connected') watching.look();
    if (state === 'closed') finish();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, finish);
  try {
    await watching.begin(since);
    note(`troupe: ${describeConnection(client)}; watching ${patterns.join(' ')} in namespace '${namespace}'`);
    await over;
  } finally {
    stopListening();
    await watching.stop();
  }
}

function describeConnection({ info: { url, version } }: NatsClient): string {
  return `connected to ${url} (NATS ${version})`;
}

function describeState(client: NatsClient, state: NatsClient['state'], detail: string | undefined): string {
  if (state === 'connected') return `troupe: re${describeConnection(client)}`;
  const reason = detail === undefined ? '' : ` (${detail})`;
  return state === 'closed' ? `troupe: closed${reason}` : `troupe: disconnected${reason}; trying again`;
}

function toSpanMs(text: string): number {
  const ms = parseSpan(text);
  if (ms === undefined) throw new InvalidArgumentError('Use a number with ms, s, m, h or d, such as 10m.');
  return ms;
}

function toLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Use a whole number of 1 or more.');
}
