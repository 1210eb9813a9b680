/**
 * Finds the subscriptions a topic meets. Owned by whoever writes publications; patterns and topics are normalized and valid
 * (`src/bus/subjects.ts`). A match visits at most one literal and one `*` branch per token, however many subscriptions
 * there are.
 *
 * Invariant: every node but the root holds values or leads to one that does.
 */
import { SYSTEM_TOPICS } from '../supervision/events.ts';
import { isOfRuntime } from './subjects.ts';

interface Node<T> {
  readonly values: Set<T>;
  readonly children: Map<string, Node<T>>;
}

/** Values by pattern. The same value may stand under several patterns, and stands under each once. */
export class SubjectTrie<T> {
  readonly #root: Node<T> = createNode();

  /** True when nothing is in it. */
  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }

  /** Adds a value under a pattern. A value that stands there already stays as it is. */
  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const token of pattern.split('.')) node = descend(node, token);
    node.values.add(value);
  }

  /** Takes a value back from a pattern. One that is not there is none. */
  remove(pattern: string, value: T): void {
    removeBelow(this.#root, pattern.split('.'), 0, value);
  }

  /** Values of the patterns that a topic fits, each as often as patterns of it match. */
  match(topic: string): T[] {
    const found: T[] = [];
    const tokens = topic.split('.');
    const own = isOfRuntime(topic) ? this.#root.children.get(SYSTEM_TOPICS) : undefined;
    if (own) collect(own, tokens, 1, found);
    else if (!isOfRuntime(topic)) collect(this.#root, tokens, 0, found);
    return found;
  }
}

function createNode<T>(): Node<T> {
  return { values: new Set(), children: new Map() };
}

function descend<T>(node: Node<T>, token: string): Node<T> {
  const child = node.children.get(token) ?? createNode<T>();
  node.children.set(token, child);
  return child;
}

/** Removes a value, and on the way back the nodes that became empty. */
function removeBelow<T>(node: Node<T>, tokens: readonly string[], index: number, value: T): void {
  const token = tokens[index];
  if (token === undefined) return void node.values.delete(value);
  const child = node.children.get(token);
  if (!child) return;
  removeBelow(child, tokens, index + 1, value);
  if (child.values.size === 0 && child.children.size === 0) node.children.delete(token);
}

function collect<T>(node: Node<T>, tokens: readonly string[], index: number, found: T[]): void {
  const token = tokens[index];
  if (token === undefined) return pushAll(node, found);
  const { children } = node;
  const rest = children.get('>');
  if (rest) pushAll(rest, found);
  const literal = children.get(token);
  if (literal) collect(literal, tokens, index + 1, found);
  const any = children.get('*');
  if (any) collect(any, tokens, index + 1, found);
}

/** One by one: a spread of 100,000 values would overflow the stack. */
function pushAll<T>(node: Node<T>, found: T[]): void {
  for (const value of node.values) found.push(value);
}
