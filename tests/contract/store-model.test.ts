/**
 * Random stories, told to every adapter and to a plain model: the same answers from all of them. `CASES=n` tries more,
 * `SEED=n` repeats; what fails names its seed.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openFileStore } from '../../src/store/file/file-store.ts';
import { createMemoryStore } from '../../src/store/memory/memory-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { dumpStore, toRanks } from '../support/store-dump.ts';
import { tempStoreFile } from '../support/store-files.ts';
import { ACTORS, storySteps, toTeller } from '../support/store-story.ts';
import type { StoryStep } from '../support/store-story.ts';

const CASES = Number(process.env['CASES'] ?? 300);
const given = process.env['SEED'];

const temp = tempStoreFile();
afterAll(() => temp.clean());
let opened = 0;

/** Each story on stores of its own. The third is closed and opened again within it. */
async function openAll(): Promise<Record<string, Store>> {
  const n = ++opened;
  return {
    memory: createMemoryStore(),
    sqlite: openSqliteStore({ file: `${temp.folder}/${n}/store.db`, synchronous: 'normal' }),
    file: await openFileStore({ folder: `${temp.folder}/${n}/folder`, synchronous: 'normal' }),
  };
}

async function reopen(stores: Record<string, Store>): Promise<void> {
  await stores['sqlite']?.close();
  await stores['file']?.close();
  stores['sqlite'] = openSqliteStore({ file: `${temp.folder}/${opened}/store.db`, synchronous: 'normal' });
  stores['file'] = await openFileStore({ folder: `${temp.folder}/${opened}/folder`, synchronous: 'normal' });
}

const dump = async (store: Store) =>
  toRanks(await dumpStore(store, { addresses: ACTORS, ids: ['i0', 'i1', 'i2'], cursors: ['c'], now: 30 }));

async function tellStory(steps: readonly StoryStep[]): Promise<void> {
  const stores = await openAll();
  const teller = toTeller();
  try {
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'reopen') {
        await reopen(stores);
        continue;
      }
      const answers: unknown[] = [];
      const expected = teller.expect(step);
      for (const [name, store] of Object.entries(stores)) {
        const answer = await teller.tell(store, step);
        expect(answer, `step ${index}, ${step.kind}, ${name} against the model`).toMatchObject(expected);
        answers.push(toRanks(answer));
      }
      for (const answer of answers) expect(answer, `step ${index}, ${step.kind}`).toEqual(answers[0]);
      teller.after(step);
    }
    const model = await dump(stores['memory'] as Store);
    for (const [name, store] of Object.entries(stores)) {
      const found = await dump(store);
      expect(found, name).toEqual(model);
      for (const actor of found.actors) teller.check(actor);
      teller.checkPlaces(found.places);
    }
  } finally {
    for (const store of Object.values(stores)) await store.close();
  }
}

test(
  `every adapter gives the answers of a plain model, ${CASES} stories`,
  { timeout: 60_000 + CASES * 400 },
  async () => {
    const seed = given === undefined ? {} : { seed: Number(given) };
    const details = await fc.check(fc.asyncProperty(fc.array(storySteps, { minLength: 1, maxLength: 25 }), tellStory), {
      numRuns: CASES,
      ...seed,
      endOnFailure: false,
      interruptAfterTimeLimit: 60_000 + CASES * 300,
    });
    if (details.failed)
      throw new Error(
        `SEED=${details.seed} repeats it. ${String(details.errorInstance)} ${fc.defaultReportMessage(details)}`,
      );
    expect(details.numRuns).toBeGreaterThan(CASES / 2);
  },
);
