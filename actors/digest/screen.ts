/**
 * What a person sees: lines that stay, and on a terminal one line of progress below them, drawn anew in place. Elsewhere
 * progress is plain lines and nothing is wrapped, so that a program can read it.
 */
import { styleText } from 'node:util';

export interface Speech {
  readonly turn: number;
  readonly author: string;
  readonly text: string;
}

type Style = Parameters<typeof styleText>[0];

const REDRAW_MS = 100;
const WIDEST = 110;
const INDENT = 20;
const FIGURE_INDENT = 10;
const BAR_CELLS = 9;

/** Standard output, with a line of progress. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #progress: { readonly text: string; readonly since: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** A line, or several. */
  say(text = ''): void {
    this.#erase();
    const lines = text.split('\n').flatMap((line) => this.#wrap(line, 0));
    this.#write(`${lines.join('\n')}\n`);
    this.#draw();
  }

  /** What an agent said in its turn. */
  speak({ turn, author, text }: Speech): void {
    this.#entry(`turn ${String(turn).padEnd(2)} ${author}`.padEnd(INDENT), text);
  }

  /** A measure by its name. */
  figure(name: string, text: string): void {
    this.#entry(name.padEnd(FIGURE_INDENT), text);
  }

  /** Something that happened to the runtime, not to the conversation. */
  note(text: string): void {
    this.#erase();
    const lines = this.#wrap(text, INDENT).map((line) => this.#style('yellow', line));
    this.#write(`${' '.repeat(INDENT)}${lines.join('\n')}\n`);
    this.#draw();
  }

  /** A heading between parts. */
  rule(title: string): void {
    this.say(`\n${this.#style('bold', `── ${title} ──`)}\n`);
  }

  /** Who is at work. Replaces what was said of that before. */
  progress(turn: number, turns: number, who: string): void {
    const text = `turn ${turn} of at most ${turns}: ${who} is at work`;
    if (text === this.#progress?.text) return;
    this.#progress = { text: this.#stream.isTTY ? `${bar(turn - 1, turns)} ${text}` : text, since: performance.now() };
    if (!this.#stream.isTTY) this.#write(`… ${text}\n`);
    else this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS).unref();
  }

  /** Ends the line of progress. */
  rest(): void {
    clearInterval(this.#timer);
    this.#erase();
    this.#timer = undefined;
    this.#progress = undefined;
  }

  /** A last line: what comes after it is not shown. */
  end(text: string): void {
    this.rest();
    this.say(text);
    this.#isOver = true;
  }

  #entry(head: string, text: string): void {
    this.#erase();
    const [first = '', ...rest] = this.#wrap(text, head.length);
    this.#write(`${[`${this.#style('bold', head)}${first}`, ...rest].join('\n')}\n`);
    this.#draw();
  }

  #write(text: string): void {
    if (!this.#isOver) this.#stream.write(text);
  }

  #draw(): void {
    if (!this.#progress || !this.#stream.isTTY) return;
    const seconds = ((performance.now() - this.#progress.since) / 1000).toFixed(1);
    const line = `${this.#progress.text}, ${seconds} s`.slice(0, this.#stream.columns - 1);
    this.#write(`\r\u001B[2K${this.#style('dim', line)}`);
  }

  #erase(): void {
    if (this.#progress && this.#stream.isTTY) this.#write('\r\u001B[2K');
  }

  #style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }

  /** Breaks text at spaces for the width of the terminal; lines after the first are indented. */
  #wrap(text: string, indent: number): string[] {
    if (!this.#stream.isTTY) return [text];
    const width = Math.max(30, Math.min(WIDEST, this.#stream.columns) - 1 - indent);
    const lines: string[] = [];
    let open = '';
    for (const word of text.split(' ')) {
      if (open !== '' && open.length + 1 + word.length > width) {
        lines.push(open);
        open = word;
      } else open = open === '' ? word : `${open} ${word}`;
    }
    return [...lines, open].map((line, at) => (at === 0 ? line : ' '.repeat(indent) + line));
  }
}

function bar(done: number, of: number): string {
  const full = Math.round((done / of) * BAR_CELLS);
  return `[${'='.repeat(full)}${' '.repeat(BAR_CELLS - full)}]`;
}
