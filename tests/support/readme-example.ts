/** The runnable example of a README: its `ts` blocks that open with a file name, and the `text` block they print. */

/** What the README shows. */
export interface ReadmeExample {
  readonly files: ReadonlyArray<{ readonly name: string; readonly source: string }>;
  /** What `node main.ts` prints. */
  readonly output: string;
}

const BLOCK = /^```(\w+)[^\n]*\n(.*?)^```$/gms;
const FILE_NAME = /^\/\/ ([\w-]+\.ts)$/m;

/**
 * Reads the example: all `ts` blocks whose first line is a comment with a file name (`// main.ts`), and the first `text`
 * block after the one of `main.ts`.
 * @throws {Error} when the README has no `main.ts` or shows no output for it.
 */
export function readExample(markdown: string): ReadmeExample {
  const blocks = [...markdown.matchAll(BLOCK)].map(([, language, source]) => ({ language, source: source ?? '' }));
  const nameOf = (source: string) => FILE_NAME.exec(source.split('\n', 1)[0] ?? '')?.[1];
  const files = blocks.flatMap(({ language, source }) => {
    const name = language === 'ts' ? nameOf(source) : undefined;
    return name ? [{ name, source }] : [];
  });
  const main = blocks.findIndex(({ language, source }) => language === 'ts' && nameOf(source) === 'main.ts');
  const output = main < 0 ? undefined : blocks.slice(main).find(({ language }) => language === 'text')?.source;
  if (output === undefined) throw new Error("README.md shows no '// main.ts' block in ts with a text block after it");
  return { files, output };
}
