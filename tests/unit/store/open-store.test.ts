/** Which store an option means, and what is said when it means none. */
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';

test.each([
  ['/tmp/x.db', "; did you mean 'sqlite:/tmp/x.db'?"],
  ['app.db', "; did you mean 'sqlite:app.db'?"],
  ['C:\\app.db', "; did you mean 'sqlite:C:\\app.db'?"],
  ['memory', "; did you mean 'memory:'?"],
  ['sqlite:', '.'],
  ['sqlite', '.'],
  ['redis://x', '.'],
  ['', '.'],
])('%j is refused with what serves', async (url, end) => {
  await expect(openStore({ url, synchronous: 'full' })).rejects.toMatchObject({
    code: 'ERR_OPTIONS_INVALID',
    message: `Option 'store' is '${url}', which no store serves. Use 'memory:' or 'sqlite:FILE'${end}`,
    details: { option: 'store', value: url },
  });
});

test('memory: needs no file', async () => {
  const store = await openStore({ url: 'memory:', synchronous: 'full' });
  await store.close();
});
