import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DocumentError, MAX_DOCUMENT_BYTES, readDocument } from '../../../actors/digest/text/read-document.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-document-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** The message of the refusal, which is one line that names the path. */
async function refusal(path: string): Promise<string> {
  const error: unknown = await readDocument(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DocumentError);
  const { message } = error as DocumentError;
  expect(message).not.toContain('\n');
  return message;
}

/** Runs as a user who is not root, to whom permissions mean nothing. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

test('a UTF-8 file gives its text, hash and size', async () => {
  const path = await write('good.txt', 'Grüße, 世界.');
  const bytes = Buffer.from('Grüße, 世界.');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await readDocument(path)).toEqual({ text: 'Grüße, 世界.', sha256, bytes: bytes.length });
});

test('a byte order mark is no part of the text', async () => {
  expect((await readDocument(await write('bom.txt', '\uFEFFHello.'))).text).toBe('Hello.');
});

test('a document of exactly the limit is read', async () => {
  const path = await write('limit.txt', 'a'.repeat(MAX_DOCUMENT_BYTES));
  expect((await readDocument(path)).bytes).toBe(MAX_DOCUMENT_BYTES);
});

describe('a document is refused in one line that says what to do', () => {
  test.each([
    ['empty', 'empty.txt', '', 'it is empty. Pass a document with some text.'],
    ['blank', 'blank.txt', ' \n\t\n', 'there are no words in it. Pass a document with some text.'],
    ['punctuation only', 'rules.txt', '--- *** ...', 'there are no words in it. Pass a document with some text.'],
    [
      'binary',
      'binary.bin',
      Uint8Array.of(65, 0, 66),
      'it is a binary file. Pass plain text; a PDF or Word file exports as such.',
    ],
    [
      'not UTF-8',
      'latin.txt',
      Uint8Array.of(0x63, 0x61, 0x66, 0xe9),
      'it is not UTF-8 text. Save it as UTF-8; a PDF or Word file exports as plain text.',
    ],
    ['UTF-16', 'wide.txt', Buffer.from('\uFEFFhello', 'utf16le'), 'it is UTF-16 text. Save it as UTF-8.'],
    [
      'too large',
      'large.txt',
      'a'.repeat(MAX_DOCUMENT_BYTES + 1),
      'it has 5242881 bytes, the limit is 5242880. Pass a part of it.',
    ],
  ])('when it is %s', async (_, name, content, problem) => {
    const path = await write(name, content);
    expect(await refusal(path)).toBe(`Cannot digest '${path}': ${problem}`);
  });

  test('when it is missing', async () => {
    expect(await refusal(join(folder, 'none.txt'))).toMatch(/none\.txt': there is no such file\. Check the path\.$/u);
    expect(await refusal('')).toBe('Cannot digest the empty path: there is no such file. Check the path.');
  });

  test('when it is a folder, or lies under a file', async () => {
    await mkdir(join(folder, 'sub'));
    expect(await refusal(join(folder, 'sub'))).toMatch(/it is a folder\. Pass one file of it\.$/u);
    const file = await write('file.txt', 'text');
    expect(await refusal(join(file, 'below'))).toMatch(
      /a part of the path is a file, not a folder\. Check the path\.$/u,
    );
  });

  test('when it may not be read', async () => {
    const path = await write('secret.txt', 'text');
    await chmod(path, 0);
    const message = await asNobody(() => refusal(path));
    expect(message).toMatch(/you may not read it\. Give yourself read permission, or pass a copy you can read\.$/u);
  });

  test('when it is a pipe, without waiting for a writer', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    expect(await refusal(path)).toMatch(/it is not a regular file\. Pass a text file\.$/u);
  });

  test('when it is a link to itself, its name is too long, or holds NUL or a line break', async () => {
    await symlink(join(folder, 'loop'), join(folder, 'loop'));
    expect(await refusal(join(folder, 'loop'))).toContain('the link leads back to itself');
    expect(await refusal(join(folder, 'x'.repeat(300)))).toContain('the path is too long');
    expect(await refusal(`${folder}/a\0b`)).toContain('the path holds a NUL character');
    expect(await refusal(`${folder}/a\nb`)).toContain("a?b'");
  });
});
