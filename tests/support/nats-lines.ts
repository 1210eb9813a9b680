/**
 * Plays what docs/nats.md shows: lines a person types into a plain connection (`> `), and lines the server answers (`< `), in which `…`
 * stands for anything. Nothing is known here of Troupe, and of NATS only that lines end with CR LF.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const WAIT_MS = 10_000;

/** Blocks of one language of a page, in order. */
export function blocksOf(page: URL, language: string): readonly string[] {
  const found = readFileSync(page, 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return [...found].flatMap(([, name, text = '']) => (name === language ? [text] : []));
}

/** Plays one block over a connection of its own. @throws {Error} naming the line that did not come, and what came */
export async function playLines(port: number, block: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let came = '';
  let look = (): void => undefined;
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    came += text;
    look();
  });
  const next = (expected: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`'${expected}' did not come, but '${came}'`)), WAIT_MS);
      look = () => {
        const end = came.indexOf('\r\n');
        if (end < 0) return;
        const line = came.slice(0, end);
        came = came.slice(end + 2);
        clearTimeout(timer);
        look = () => undefined;
        if (toPattern(expected).test(line)) resolve();
        else reject(new Error(`expected '${expected}', and '${line}' came`));
      };
      look();
    });
  try {
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('>')) socket.write(`${line.slice(2)}\r\n`);
      else if (line.startsWith('<')) await next(line.slice(2));
      else throw new Error(`'${line}' is neither typed nor answered`);
    }
  } finally {
    socket.destroy();
  }
}

function toPattern(line: string): RegExp {
  const literal = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}
