/** Ports that stay free while nobody listens on them. */
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ports that outgoing connections are given: while a server is down, one of those could take its port, or a
// client that tries again and again could end up connected to itself.
const LOWEST = 12_000;
const HIGHEST = 32_000;
const given = new Set<number>();

/** A port of this machine that nobody listens on, never twice the same in a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
