/** Paging in the store contract: whatever a query finds, its pages put together are all of it, in its order, each once. */
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { actorAt, firstCommit, nextCommit, publication, tell } from '../support/store-commits.ts';

const A = actorAt('a');
const COUNT = 7;

interface Paged {
  readonly name: string;
  readonly most: number;
  /** Up to `limit` rows after one of the page before, each told from every other by its text. */
  readonly page: (store: Store, last: unknown, limit: number) => Promise<readonly unknown[]>;
}

const pos = (last: unknown) => (last as { readonly pos: number } | undefined)?.pos;
const after = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };

const PAGED: readonly Paged[] = [
  {
    name: 'inbox',
    most: 10_000,
    page: (store, last, limit) => store.inbox(A, { ...after('afterPos', pos(last)), limit }),
  },
  {
    name: 'outbox',
    most: 10_000,
    page: (store, last, limit) => store.outbox({ ...after('afterPos', pos(last)), limit }),
  },
  {
    name: 'deadLetters',
    most: 10_000,
    page: (store, last, limit) => store.deadLetters({ ...after('afterPos', pos(last)), limit }),
  },
  {
    name: 'busEvents',
    most: 10_000,
    page: (store, last, limit) => store.busEvents({ ...after('afterPos', pos(last)), limit }),
  },
  {
    name: 'log',
    most: 10_000,
    page: (store, last, limit) => store.log(A, { ...after('after', (last as { n: number } | undefined)?.n), limit }),
  },
  {
    name: 'history',
    most: 1_000,
    page: (store, last, limit) =>
      store.history(A, { ...after('after', (last as { seq: number } | undefined)?.seq), limit }),
  },
  {
    name: 'due',
    most: 10_000,
    page: (store, last, limit) =>
      store.due({ until: 10_000, ...after('after', last as { address: typeof A; dueAt: number } | undefined), limit }),
  },
  {
    name: 'recoverable',
    most: 10_000,
    page: (store, last, limit) =>
      store.recoverable({ ...after('afterAddress', (last as { address: typeof A } | undefined)?.address), limit }),
  },
  {
    name: 'kv',
    most: 10_000,
    page: (store, last, limit) =>
      store.kvKeys({ prefix: 'k', now: 0, ...after('after', last as string | undefined), limit }),
  },
];

/** Registers what holds of pages. */
export function storePagesContract(current: () => Store): void {
  test.each(PAGED)('pages of $name put together are all of it', async ({ page }) => {
    await fill(current());
    const whole = await page(current(), undefined, COUNT * 10);
    expect(whole.length).toBeGreaterThanOrEqual(COUNT);
    for (const limit of [1, 2, COUNT - 1, COUNT, COUNT + 1]) {
      const rows: unknown[] = [];
      for (;;) {
        const next = await page(current(), rows.at(-1), limit);
        rows.push(...next);
        if (next.length < limit) break;
      }
      expect(rows, `by ${limit}`).toEqual(whole);
    }
  });

  test.each(PAGED)('a page of $name has from 1 to so many rows, and no other number', async ({ page, most }) => {
    await page(current(), undefined, most);
    for (const limit of [0, -1, 1.5, Number.NaN, most + 1, '7' as never])
      await expect(page(current(), undefined, limit), String(limit)).rejects.toMatchObject({
        code: 'ERR_OPTIONS_INVALID',
      });
  });

  test('a list goes on by its cursor, and scheduled events are those that come first', async () => {
    await fill(current());
    const { items } = await current().list({ limit: 100, order: 'oldest' });
    const addresses: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await current().list({ limit: 3, order: 'oldest', ...after('cursor', cursor) });
      addresses.push(...page.items.map(({ address }) => address));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(addresses).toEqual(items.map(({ address }) => address));
    const scheduled = await current().scheduled(A);
    expect(await current().scheduled(A, { limit: 3 })).toEqual(scheduled.slice(0, 3));
  });
}

async function fill(store: Store): Promise<void> {
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
  const letter = (n: number) => ({ id: `l${n}`, sender: 'x', text: '{}', error: '{}', attempts: 1 });
  await store.commit([firstCommit(A, { log: ['"0"'], history: { text: '{}', checksum: 1 } })]);
  for (const n of numbers) {
    const schedule = [{ key: `k${n}`, dueAt: 50 - n, text: '{}' }];
    const history = { text: `{"n":${n}}`, checksum: n };
    const outbox = [{ kind: 'deliver', id: `o${n}`, target: 't', text: '{}' } as const];
    await store.commit([
      nextCommit(A, n + 1, { schedule, history, outbox, log: [String(n)], deadLetters: [letter(n)] }),
      firstCommit(actorAt(`other-${n}`), {
        inbox: [tell(A, String(n)), tell(actorAt(`busy-${n}`), 'x')],
        publish: [publication(`p${n}`, 'a.b')],
        timers: '[1]',
        nextDue: n % 3,
      }),
    ]);
    await store.kvSet(`k${n}`, String(n));
  }
}
