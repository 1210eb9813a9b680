/** Which store an option means, and what is said when it means none. */
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/open-store.ts';
import { tempStoreFile } from '../../support/store-files.ts';

test.each([
  ['/tmp/x.db', "; did you mean 'sqlite:/tmp/x.db'?"],
  ['app.db', "; did you mean 'sqlite:app.db'?"],
  ['C:\\app.db', "; did you mean 'sqlite:C:\\app.db'?"],
  ['memory', "; did you mean 'memory:'?"],
  ['sqlite:', '.'],
  ['sqlite', '.'],
  ['redis://x', '.'],
  ['file:', '.'],
  ['file', '.'],
  ['memory:x', "; did you mean 'memory:'?"],
  ['Memory', "; did you mean 'memory:'?"],
  ['data/', "; did you mean 'file:data/'?"],
  ['file:///var/troupe', "; did you mean 'file:/var/troupe'?"],
  ['sqlite3:app.db', "; did you mean 'sqlite:app.db'?"],
  ['SQLite:app.db', "; did you mean 'sqlite:app.db'?"],
  ['sqlite://app.db', "; did you mean 'sqlite:app.db'?"],
  ['dir:data', "; did you mean 'file:data'?"],
  ['', '.'],
])('%j is refused with what serves', async (url, end) => {
  await expect(openStore({ url, synchronous: 'full' })).rejects.toMatchObject({
    code: 'ERR_OPTIONS_INVALID',
    message: `Option 'store' is '${url}', which no store serves. Use 'sqlite:FILE', 'file:FOLDER' or 'memory:'${end}`,
    details: { option: 'store', value: url },
  });
});

test('file: opens a folder', async () => {
  const temp = tempStoreFile();
  const store = await openStore({ url: `file:${temp.file}`, synchronous: 'normal' });
  expect(store.features).toEqual({ survives: 'process-kill', shares: 'nothing', packsHistory: false });
  await store.close();
  temp.clean();
});

test('memory: needs no file', async () => {
  const store = await openStore({ url: 'memory:', synchronous: 'full' });
  await store.close();
});
