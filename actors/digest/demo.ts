/**
 * The main demo, `npm run demo [-- FILE]`: three agents, a supervised group, write a digest of a real document. In the
 * middle a worker thread is ended; the process may be, too, at any moment, and `--resume` goes on from the last saved turn.
 */
import { randomInt } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createSystem, isTroupeError } from '../../src/index.ts';
import type { System, TroupeError } from '../../src/index.ts';
import { reasonOf } from '../../src/nats/faults.ts';
import { planFaults } from './chaos/plan.ts';
import type { Chaos } from './chaos/plan.ts';
import { ChaosReport } from './chaos/report.ts';
import { openConversation, turnDeadlineMs } from './conversation.ts';
import type { Conversation, Ending } from './conversation.ts';
import { readCopy } from './document.ts';
import { collectFigures, createTimings, describeFigures, formatBytes } from './figures.ts';
import { checkOut, Folder, hashOf, writeWhole } from './folder.ts';
import type { Run } from './folder.ts';
import { HELP, parseOptions, Refusal, resumeCommand, toLine, watchCommand } from './options.ts';
import type { DemoOptions } from './options.ts';
import { Screen } from './screen.ts';
import { Stops } from './stops.ts';
import { DocumentError, readDocument } from './text/read-document.ts';

const DEFAULT_PACE_MS = 600;
/** One for the writer to lose, another to go on in. */
const THREADS = 2;
/** Time a turn may block its thread with --chaos, in milliseconds, beyond a millisecond for each 1,000 bytes of the document. */
const CHAOS_HANG_MS = 800;
const EXIT_FAILED = 1;
const EXIT_REFUSED = 2;

const screen = new Screen(process.stdout);
const stops = new Stops(screen);

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options) await runDemo(options);
  else screen.say(HELP);
} catch (error) {
  // A stop is under way: what it cut off has failed, and the process ends with it.
  if (!stops.isStopping) fail(error);
}

async function runDemo(options: DemoOptions): Promise<void> {
  const folder = new Folder(options.data);
  const former = await folder.readRun();
  const fresh = options.isResume ? undefined : await readTask(options);
  const out = await findOut(options, former);
  if (options.isResume) await checkRun(options, folder, former);
  await folder.prepare();

  stops.listen(resumeCommand(options));
  const run = fresh ? { ...fresh.run, out: out ?? null } : toResumed(former as Run, options);
  // From here on there is something to resume. A former run gives way only once nobody else can be at work on it, and over
  // NATS there is nothing to begin before a server has answered.
  const isFirst = former === undefined && run.nats === null;
  if (fresh && isFirst) await begin(folder, { run, text: fresh.text, options });
  const system = await stops.own(openSystem(folder, run));
  try {
    if (fresh && !isFirst) {
      if (former) screen.say('Starting anew; the former run in this folder is removed.');
      await begin(folder, { run, text: fresh.text, options });
    }
    await converse(system, { options, folder, run, out });
  } finally {
    await system.stop();
    stops.end();
  }
}

/** A run goes on over the server it began with, unless another one is named. */
function toResumed(former: Run, { nats }: DemoOptions): Run {
  return nats === undefined ? former : { ...former, nats };
}

interface Beginning {
  readonly run: Run;
  readonly text: string;
  readonly options: DemoOptions;
}

async function begin(folder: Folder, { run, text, options }: Beginning): Promise<void> {
  await folder.begin(run, text);
  screen.say(`A researcher, a writer and a reviewer make a digest of ${describe(run)}.`);
  if (run.isSlow) screen.say(`The reviewer is slow today; a turn not taken within ${turnDeadlineMs(run)} ms is lost.`);
  if (run.seed !== null) screen.say(`Up to six faults are on their way, drawn from --seed ${run.seed}.`);
  screen.say('Every turn is saved before the next begins. Interrupt this whenever you like:');
  screen.say(`Ctrl-C here, or kill -9 ${process.pid} elsewhere. Go on with: ${resumeCommand(options)}`);
  if (run.nats !== null) screen.say(`Watch it in a second terminal: ${watchCommand(run.nats)}`);
  screen.say();
}

interface Setting {
  readonly options: DemoOptions;
  readonly folder: Folder;
  readonly run: Run;
  readonly out: string | undefined;
}

async function converse(system: System, { options, folder, run, out }: Setting): Promise<void> {
  const timings = createTimings();
  const chaos = toChaos(folder, run);
  const report = chaos && new ChaosReport(screen, chaos);
  await report?.listen(system);
  const conversation = await openConversation({ system, folder, run, screen, timings, chaos });
  if (options.isResume) await resume(conversation, { options, run });
  const ending = await conversation.follow();
  if (!ending) return;
  await conversation.announceEnd(ending);
  screen.rest();
  const figures = await collectFigures(system, { ...conversation, storePath: folder.storePath, timings });
  const faults = report && { faults: report.describe() };
  await present(ending, { run, out, figures: { ...describeFigures(figures), ...faults } });
}

/** The plan of a run with --chaos. */
function toChaos(folder: Folder, { id, seed }: Run): Chaos | undefined {
  return seed === null ? undefined : { seed, marks: folder.marksPath(id), faults: [...planFaults(seed)] };
}

async function resume(conversation: Conversation, { options, run }: Pick<Setting, 'options' | 'run'>): Promise<void> {
  const { turn, isOver } = await conversation.skipShown();
  if (options.paceMs !== undefined && !isOver) await conversation.group.share({ paceMs: options.paceMs });
  const place = turn === 0 ? 'before the first turn' : `after turn ${turn}${isOver ? ', the last' : ''}`;
  screen.say(`resumed ${place}: a digest of ${describe(run)}`);
  if (run.nats !== null) screen.say(`Watch it in a second terminal: ${watchCommand(run.nats)}`);
}

function describe({ title, bytes, lengthWords }: Run): string {
  return `${title} (${formatBytes(bytes)}) in about ${lengthWords} words`;
}

/** A new run and its document. @throws {DocumentError} */
async function readTask(options: DemoOptions): Promise<{ readonly run: Run; readonly text: string }> {
  const { text } = await readDocument(options.file);
  const run: Run = {
    madeBy: 'troupe demo',
    id: crypto.randomUUID().slice(0, 8),
    title: toLine(basename(options.file)),
    sha256: hashOf(text),
    bytes: Buffer.byteLength(text),
    lengthWords: options.lengthWords,
    paceMs: options.paceMs ?? DEFAULT_PACE_MS,
    isSlow: options.isSlow,
    seed: options.isChaos ? (options.seed ?? randomInt(1_000_000)) : null,
    out: null,
    nats: options.nats ?? null,
  };
  return { run, text };
}

async function findOut(options: DemoOptions, former: Run | undefined): Promise<string | undefined> {
  const out = options.out ?? (options.isResume ? (former?.out ?? undefined) : undefined);
  return out === undefined ? undefined : checkOut(out, options.isResume ? undefined : options.file);
}

/** @throws {Refusal} when there is nothing to go on with. @throws {DocumentError} when its document is lost. */
async function checkRun(options: DemoOptions, folder: Folder, former: Run | undefined): Promise<void> {
  if (!former) throw new Refusal(`There is nothing to resume in '${toLine(options.data)}'. Begin with: npm run demo`);
  if (former.isSlow && (options.paceMs ?? 0) > former.paceMs) {
    throw new Refusal(
      `In a --slow run turns have a deadline, so '--pace' can be ${former.paceMs} at most, as at its start. Leave it out.`,
    );
  }
  await readCopy({ document: folder.copyPath(former.sha256), sha256: former.sha256 });
}

/** The system, with what goes wrong in it as lines of a file. @throws {Refusal} when the store cannot be opened. */
async function openSystem(folder: Folder, { seed, bytes, nats }: Run): Promise<System> {
  const isChaos = seed !== null;
  try {
    return await createSystem({
      actors: [new URL(isChaos ? './chaos/agents.ts' : './agents.ts', import.meta.url)],
      ...(isChaos && { hangMs: CHAOS_HANG_MS + Math.ceil(bytes / 1000) }),
      store: folder.storeUrl,
      ...(nats !== null && { nats }),
      threads: THREADS,
      log: (level, fields, text) => {
        if (level === 'debug' || level === 'info') return;
        appendFileSync(folder.logPath, `${JSON.stringify({ at: new Date().toISOString(), level, text, ...fields })}\n`);
      },
    });
  } catch (cause) {
    if (!isTroupeError(cause)) throw cause;
    throw new Refusal(toReason(cause, folder), { cause });
  }
}

/** Why the system cannot be opened, and what to do. */
function toReason(error: TroupeError, folder: Folder): string {
  const message = toLine(error.message);
  const { pid, servers } = error.details;
  if (error.code === 'ERR_NATS_UNAVAILABLE')
    return `No NATS server answers at ${toLine(String(servers))}: ${reasonOf(error.cause)}. Start one, or name another with --nats.`;
  if (error.code.startsWith('ERR_NATS')) return message;
  if (error.code !== 'ERR_STORE_LOCKED') return `${message} Or name another folder with --data.`;
  const holder = typeof pid === 'number' ? ` (process ${pid})` : '';
  const where = `A demo is at work in '${toLine(folder.path)}'${holder}.`;
  return `${where} Wait for its end, stop it, or name another folder with --data.`;
}

interface Result {
  readonly run: Run;
  readonly out: string | undefined;
  readonly figures: Readonly<Record<string, string>>;
}

/** The end: the digest, on the screen and in its file, then the figures. @throws when no draft came about. */
async function present({ work, rounds, failures }: Ending, { run, out, figures }: Result): Promise<void> {
  const { best } = work;
  if (!best) throw new Error(`no digest came about: ${failures.join('; ') || 'the agents could not do their work'}`);
  const verdict = best.passed
    ? `accepted in round ${rounds}`
    : `${rounds} rounds are over; draft ${best.revision + 1} was the best`;
  screen.rule(`digest of ${run.title}: ${best.words} words, ${verdict}`);
  screen.say(best.text.trimEnd());
  screen.rule('figures');
  for (const [name, text] of Object.entries(figures)) screen.figure(name, text);
  if (out === undefined) return;
  await writeWhole(out, best.text, 0o666);
  screen.say(`\nThe digest is in ${toLine(out)}`);
}

function fail(error: unknown): void {
  screen.rest();
  const isRefused = error instanceof Refusal || error instanceof DocumentError;
  process.exitCode = isRefused ? EXIT_REFUSED : EXIT_FAILED;
  const message = toLine(error instanceof Error ? error.message : String(error));
  console.error(isRefused ? message : `The demo failed: ${message}`);
}
