/**
 * The damage harness: `npm run chaos:corrupt -- --mutations N --seed S`. A SQLite store and a file store with actors of several kinds are copied,
 * damaged at random, and opened by a real system, again and again; everything in it must be what it was, or say that it is not.
 * The last line is JSON. Exit code 0: nothing was silently wrong; 1: something was; 2: usage.
 */
import { copyFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNumberOptions, runScript } from '../support/chaos-options.ts';
import { createChaosRandom } from '../support/chaos-random.ts';
import type { ChaosRandom } from '../support/chaos-random.ts';
import { judgeAll } from '../support/corrupt-judge.ts';
import type { Facts, Judgement, Outcome } from '../support/corrupt-judge.ts';
import { lookAt } from '../support/corrupt-look.ts';
import { damageFile, damageFolder, damageRows } from '../support/corrupt-mutations.ts';
import type { Damage } from '../support/corrupt-mutations.ts';
import { assertTrue } from '../support/corrupt-truth.ts';
import { buildStore } from '../support/corrupt-stores.ts';
import type { Planned } from '../support/corrupt-stores.ts';

const OPTIONS = {
  mutations: { usual: 500, from: 1, to: 1_000_000, text: 'pieces of damage' },
  seed: { usual: 1, from: 0, to: 4_294_967_295, text: 'seed of all random choices' },
} as const;

/** Share of copies that are file stores. */
const FOLDER_SHARE = 0.2;
/** Share of the other copies whose files are damaged; the rows of the rest are. */
const FILE_SHARE = 0.4;
/** Rows of different owners that are damaged in one copy, at most. */
const MOST_ROWS = 4;
const MOST_SHOWN = 40;

type Options = { readonly [K in keyof typeof OPTIONS]: number };
type Totals = Record<Outcome, number> & {
  opens: number;
  rows: number;
  files: number;
  refusedStores: number;
  silent: number;
};

/** A store that is copied, damaged, and looked at. */
interface Stage {
  readonly url: string;
  readonly planned: readonly Planned[];
  /** Makes the copy what the store was. */
  restore(): void;
  /** Damages the copy, in so many places at most. */
  damage(random: ChaosRandom, most: number): readonly Damage[];
}

/** A stage, and what is seen of it undamaged. */
interface KnownStage extends Stage {
  readonly truth: Facts['truth'];
}

/** What is being looked at. */
let current: readonly Damage[] = [];

function reportDeath(error: unknown): never {
  console.log(`CRASHED process after ${current.map(({ text }) => text).join('; ')}`);
  console.log(error);
  console.log(JSON.stringify({ crashed: 1 }));
  process.exit(1);
}

async function prepareSqlite(folder: string): Promise<Stage> {
  const [original, copy] = [join(folder, 'original.db'), join(folder, 'copy.db')];
  const file = join(folder, 'built.db');
  const planned = await buildStore(`sqlite:${file}`, () => copyStore(file, original));
  return {
    url: `sqlite:${copy}`,
    planned,
    restore: () => copyStore(original, copy),
    damage: (random, most) =>
      random.chance(FILE_SHARE)
        ? [damageFile(copy, random)]
        : damageRows(copy, random, Math.min(most, random.between(1, MOST_ROWS))),
  };
}

/** A folder whose changes stand in checkpoints, and the last of them in its journal. */
async function prepareFolder(folder: string): Promise<Stage> {
  const [original, copy] = [join(folder, 'original'), join(folder, 'copy')];
  const built = join(folder, 'built');
  const planned = await buildStore(`file:${built}`, () => cpSync(built, original, { recursive: true }));
  const restore = (): void => {
    rmSync(copy, { recursive: true, force: true });
    cpSync(original, copy, { recursive: true });
  };
  return { url: `file:${copy}`, planned, restore, damage: (random) => [damageFolder(copy, random)] };
}

async function know(stage: Stage): Promise<KnownStage> {
  stage.restore();
  const truth = await lookAt(stage.url, stage.planned);
  assertTrue(truth, stage.planned);
  return { ...stage, truth };
}

function copyStore(from: string, to: string): void {
  for (const end of ['', '-wal', '-shm']) {
    rmSync(`${to}${end}`, { force: true });
    if (end !== '-shm' && existsSync(`${from}${end}`)) copyFileSync(`${from}${end}`, `${to}${end}`);
  }
}

async function run(options: Options): Promise<number> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'troupe-corrupt-'));
  console.log(`seed ${options.seed}, ${options.mutations} mutations, files in ${folder}`);
  const builtAt = Date.now();
  const sqlite = await know(await prepareSqlite(folder));
  const files = await know(await prepareFolder(folder));
  const totals = emptyTotals();
  const random = createChaosRandom(options.seed);
  let done = 0;
  while (done < options.mutations) {
    const stage = random.chance(FOLDER_SHARE) ? files : sqlite;
    stage.restore();
    const damages = stage.damage(random, options.mutations - done);
    done += damages.length;
    current = damages;
    const mayLackTail = damages.some(({ where }) => where === 'wal');
    const mayLoseRows = stage === sqlite && damages.some(({ where }) => where === 'file');
    const { truth, planned } = stage;
    const judgements = judgeAll(await lookAt(stage.url, planned), {
      truth,
      planned,
      builtAt,
      mayLackTail,
      mayLoseRows,
    });
    note(totals, damages, judgements);
    if (totals.opens % 100 === 0)
      console.log(`${done} mutations, ${JSON.stringify(totals)}, ${secondsSince(startedAt)} s`);
  }
  const isGood = totals.wrong + totals.crashed === 0;
  if (isGood) rmSync(folder, { recursive: true, force: true });
  const { silent: _silent, ...figures } = totals;
  const { mutations, seed } = options;
  console.log(JSON.stringify({ mutations, seed, ...figures, seconds: secondsSince(startedAt) }));
  return isGood ? 0 : 1;
}

function emptyTotals(): Totals {
  const outcomes = { exact: 0, repaired: 0, held: 0, refused: 0, stalled: 0, vanished: 0, wrong: 0, crashed: 0 };
  return { ...outcomes, opens: 0, rows: 0, files: 0, refusedStores: 0, silent: 0 };
}

function note(totals: Totals, damages: readonly Damage[], judgements: readonly Judgement[]): void {
  totals.opens++;
  for (const { where } of damages) totals[where === 'row' ? 'rows' : 'files']++;
  if (judgements.every(({ outcome }) => outcome === 'refused')) totals.refusedStores++;
  for (const { address, outcome, faults } of judgements) {
    totals[outcome]++;
    if (faults.length === 0 || totals.silent++ >= MOST_SHOWN) continue;
    console.log(`${outcome.toUpperCase()} ${address} after ${damages.map(({ text }) => text).join('; ')}`);
    for (const fault of faults) console.log(`    ${fault}`);
  }
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

process.on('uncaughtException', reportDeath);
await runScript(() => run(parseNumberOptions(OPTIONS, process.argv.slice(2))));
// A system whose damaged store cannot save waits for it as long as it takes; nobody waits for that here.
process.exit(process.exitCode ?? 0);
