/** docs/errors.md lists every code of the catalogue, and no other. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CATALOGUE, TroupeError } from '../../../src/errors.ts';

const page = new URL('../../../docs/errors.md', import.meta.url);

test('docs/errors.md and the catalogue list the same codes', () => {
  expect(existsSync(page), 'docs/errors.md exists').toBe(true);
  const rows = [...readFileSync(page, 'utf8').matchAll(/^\|\s*`(ERR_[A-Z_]+)`\s*\|/gm)].map(
    ([, code]) => code as string,
  );
  expect(new Set(rows).size, 'each once').toBe(rows.length);
  expect(rows.toSorted()).toEqual(Object.keys(ERROR_CATALOGUE).toSorted());
});

test.each(Object.entries(ERROR_CATALOGUE))('%s says what it means', (code, meaning) => {
  expect(code).toMatch(/^ERR_[A-Z_]+$/);
  expect(meaning).toMatch(/^[A-Z].+\.$/);
  expect(new TroupeError(code as never, 'x')).toMatchObject({ name: 'TroupeError', code, details: {} });
});
