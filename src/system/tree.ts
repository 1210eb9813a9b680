/**
 * The tree of actors as data, read from the store: under the root the types, since the root owns what code created, under each type its
 * actors, and under those their children, in order of start. It is read level by level while actors come and go: each node is
 * as it was when it was read.
 */
import { ROOT, parseAddress, typeOf } from '../actor/address.ts';
import type { Address } from '../actor/address.ts';
import { describeValue } from '../describe.ts';
import { TroupeError } from '../errors.ts';
import type { StoreClient } from '../store/store-client.ts';
import type { ListQuery } from '../store/queries.ts';
import type { ActorStatus, ActorSummary } from '../store/store.ts';

export interface TreeOptions {
  /** Most actors it shows, those nearest to the top first. 1 to 100,000. @default 10000 */
  readonly limit?: number;
}

/** One node: the root, a type, or an actor. */
export interface TreeNode {
  /** Address of an actor; `system/root` for the root, the mere type for a type. */
  readonly address: string;
  readonly type: string;
  /** `active` for the root and for types. */
  readonly status: ActorStatus;
  readonly children: readonly TreeNode[];
  /** Present when not all of its children were read, because the limit was reached. */
  readonly isCut?: true;
  /** Present on an actor that is its own ancestor, where it comes up again; its children are not repeated. */
  readonly isCycle?: true;
}

/** The tree of actors, or what is below one of them. */
export interface ActorTree extends Omit<TreeNode, 'isCut'> {
  /** True when there are more actors than the limit lets through. */
  readonly isCut: boolean;
}

const USUAL_LIMIT = 10_000;
const MOST = 100_000;

/** Reads under way at once. */
const AT_ONCE = 32;

/** Most rows of one read. */
const PAGE = 1000;

/** A node that grows. */
interface Branch extends TreeNode {
  readonly children: Branch[];
  isCut?: true;
  isCycle?: true;
}

/**
 * Reads the tree from an address on.
 * @throws {TroupeError} ERR_ACTOR_NOT_FOUND, ERR_ADDRESS, ERR_OPTIONS_INVALID.
 */
export async function readTree(
  store: StoreClient,
  from: Address = ROOT,
  options: TreeOptions = {},
): Promise<ActorTree> {
  const reader = new TreeReader(store, checkLimit(options.limit));
  return from === ROOT ? reader.readAll() : reader.readFrom(parseAddress(from).address);
}

class TreeReader {
  readonly #store: StoreClient;
  readonly #visited = new Set<string>();
  /** How many actors may still be added. */
  #room: number;
  #isCut = false;

  constructor(store: StoreClient, limit: number) {
    this.#store = store;
    this.#room = limit;
  }

  async readAll(): Promise<ActorTree> {
    const root = toBranch(ROOT, typeOf(ROOT), 'active');
    const types = new Map<string, Branch>();
    const actors: Branch[] = [];
    for (const actor of await this.#children(root)) {
      const { type } = actor;
      const branch = types.get(type) ?? toBranch(type, type, 'active');
      if (!this.#add(branch, actor, actors)) break;
      types.set(type, branch);
    }
    root.children.push(...types.values());
    // Whose actors were left out is not known.
    if (this.#isCut) for (const type of root.children) type.isCut = true;
    await this.#grow(actors);
    return { ...root, isCut: this.#isCut };
  }

  async readFrom(address: Address): Promise<ActorTree> {
    const { items } = await this.#store.call('list', { address });
    const [actor] = items;
    if (!actor) throw notFound(address);
    const top: Branch[] = [];
    this.#add(toBranch(ROOT, typeOf(ROOT), 'active'), actor, top);
    await this.#grow(top);
    return { ...(top[0] as Branch), isCut: this.#isCut };
  }

  /** Level by level, so that what the limit leaves out is far from the top. */
  async #grow(top: readonly Branch[]): Promise<void> {
    for (let level = top; level.length > 0;) {
      const next: Branch[] = [];
      for (let at = 0; at < level.length; at += AT_ONCE) await this.#readChildren(level.slice(at, at + AT_ONCE), next);
      level = next;
    }
  }

  async #readChildren(parents: readonly Branch[], next: Branch[]): Promise<void> {
    if (this.#isCut) return parents.forEach((parent) => void (parent.isCut = true));
    const families = await Promise.all(parents.map((parent) => this.#children(parent)));
    for (const [index, children] of families.entries()) {
      const parent = parents[index] as Branch;
      for (const child of children) if (!this.#add(parent, child, next)) break;
    }
  }

  /** Adds an actor to its parent; false when there is no room for it. */
  #add(parent: Branch, { address, type, status }: ActorSummary, next: Branch[]): boolean {
    const child = toBranch(address, type, status);
    if (this.#visited.has(address)) child.isCycle = true;
    else if (this.#room === 0) {
      parent.isCut = true;
      this.#isCut = true;
      return false;
    } else {
      this.#visited.add(address);
      this.#room--;
      next.push(child);
    }
    parent.children.push(child);
    return true;
  }

  /** In order of start; one more than there is room for, so that it shows that some are left out. */
  async #children(parent: Branch): Promise<readonly ActorSummary[]> {
    const most = this.#room + 1;
    const found: ActorSummary[] = [];
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, most - found.length);
      const query: ListQuery = { parent: parent.address as Address, order: 'oldest', limit };
      const page = await this.#store.call('list', cursor === undefined ? query : { ...query, cursor });
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined && found.length < most);
    // Those of one turn of their parent came to be wherever there was time first.
    return found.sort((a, b) => a.spawned - b.spawned);
  }
}

function toBranch(address: string, type: string, status: ActorStatus): Branch {
  return { address, type, status, children: [] };
}

function checkLimit(limit: unknown = USUAL_LIMIT): number {
  if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= MOST) return limit as number;
  throw new TroupeError(
    'ERR_OPTIONS_INVALID',
    `Option 'limit' of tree() is ${describeValue(limit)}. Use a whole number from 1 to ${MOST}.`,
    { details: { option: 'limit' } },
  );
}

function notFound(address: Address): TroupeError {
  return new TroupeError(
    'ERR_ACTOR_NOT_FOUND',
    `'${address}' does not exist, so that there is no tree below it. List actors with system.list(), or read the whole tree with system.tree().`,
    { details: { address } },
  );
}
