/** What a process that was cut off has left behind: is everything acknowledged there, once, also after it was all sent again? */
import { connectFile } from '../../src/store/sqlite/connect.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { EVERYBODY, idsOf, runIoLoad } from './io-load.ts';

/** What is wrong; empty lists when nothing is. */
export interface IoVerdict {
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly damage: readonly string[];
}

/** Opens the store again and looks, then sends everything again under the same ids and looks once more. */
export async function judgeFile(file: string, acknowledged: readonly string[], events: number): Promise<IoVerdict> {
  const before = await readRows(file);
  const lost = acknowledged.filter((id) => !before.said.includes(id));
  await runIoLoad({ file, events, threads: 0, acknowledged: () => {} });
  const after = await readRows(file);
  const missing = idsOf(events).filter((id) => !after.said.includes(id) || !after.heard.includes(id));
  const twice = [before.said, before.heard, after.said, after.heard].flatMap(repeatedIn);
  return { lost: [...lost, ...missing], twice, damage: findDamage(file) };
}

/** Ids as the speakers appended them, and as the listener did. */
async function readRows(
  file: string,
): Promise<{ readonly said: readonly string[]; readonly heard: readonly string[] }> {
  const store = openSqliteStore({ file });
  try {
    const logs = await Promise.all(EVERYBODY.map((address) => store.log(address, { limit: 10_000 })));
    const ids = logs.map((rows) => rows.map(({ text }) => (JSON.parse(text) as { readonly id: string }).id));
    return { said: ids.slice(0, -1).flat(), heard: ids.at(-1) ?? [] };
  } finally {
    await store.close();
  }
}

function repeatedIn(ids: readonly string[]): readonly string[] {
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}

function findDamage(file: string): readonly string[] {
  const db = connectFile(file);
  try {
    const said = db.pragma('integrity_check', { simple: true });
    return said === 'ok' ? [] : [String(said)];
  } finally {
    db.close();
  }
}
