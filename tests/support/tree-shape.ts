/** The tree that the chaos run of supervision fails: who takes part, who is below whom. Pure. */

/** Parents by their strategy, and three kinds of leaves: `busy` ones always have an effect function in flight, `brief` ones are temporary. */
export const TREE_TYPES = ['one', 'all', 'rest', 'leaf', 'busy', 'brief'] as const;
export type TreeType = (typeof TREE_TYPES)[number];

/** One place in the tree. A temporary actor that has ended is followed by another one in its place. */
export interface TreePlace {
  readonly type: TreeType;
  readonly key: string;
  readonly children: readonly TreePlace[];
}

const STRATEGIES = ['one', 'all', 'rest'] as const;

/** Leaves below the parents of each level, in the order of their start. Something stands before and behind each temporary one. */
const UPPER_LEAVES: readonly TreeType[] = ['leaf', 'brief', 'leaf', 'leaf', 'leaf'];
const LOWER_LEAVES: readonly TreeType[] = ['leaf', 'leaf', 'brief', 'leaf', 'busy', 'leaf', 'leaf', 'leaf'];
/** Upper parents, all below a root that binds nobody: what happens below one concerns no other. */
const SUBTREES = 6;

/** The tree: 200 actors on four levels. */
export function createTree(): TreePlace {
  const subtrees = Array.from({ length: SUBTREES }, (_, i) => createSubtree(`r-${i}`, STRATEGIES[i % 3] ?? 'one'));
  return { type: 'one', key: 'r', children: [...subtrees, { type: 'leaf', key: 'r-last', children: [] }] };
}

function createSubtree(key: string, type: TreeType): TreePlace {
  const parents = STRATEGIES.map((strategy, i) => {
    const own = `${key}-${i}`;
    return { type: strategy, key: own, children: createLeaves(own, LOWER_LEAVES) };
  });
  const [first = createLeaf(key, 'leaf'), ...others] = createLeaves(`${key}-x`, UPPER_LEAVES);
  // Parents among leaves, so that rest-for-one has something on both sides.
  return { type, key, children: [first, ...parents, ...others] };
}

function createLeaves(key: string, types: readonly TreeType[]): readonly TreePlace[] {
  return types.map((type, i) => createLeaf(`${key}-${i}`, type));
}

function createLeaf(key: string, type: TreeType): TreePlace {
  return { type, key, children: [] };
}

/** Address of a place; of a temporary actor, which `generation` of it. */
export function addressOf({ type, key }: TreePlace, generation = 0): string {
  return `${type}/${keyOf({ type, key }, generation)}`;
}

/** Key of a place. */
export function keyOf({ type, key }: Pick<TreePlace, 'type' | 'key'>, generation = 0): string {
  return type === 'brief' ? `${key}:${generation}` : key;
}

/** A place and everything below it, from the top. */
export function placesFrom(place: TreePlace): readonly TreePlace[] {
  return [place, ...place.children.flatMap(placesFrom)];
}
