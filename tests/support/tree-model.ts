/**
 * What supervision must do about a failure, from the tree alone: a model that shares nothing with the runtime but the words of its
 * events. Under the strategies that bind fates, whom a failure concerns is made anew with everything below; temporary ones end.
 */
import { addressOf } from './tree-shape.ts';
import type { TreePlace } from './tree-shape.ts';

/** What one failure leads to. */
export interface Orders {
  /** Addresses to be made anew by order of a parent. */
  readonly restarts: readonly string[];
  /** Temporary ones to be stopped. */
  readonly stops: readonly string[];
}

const NOBODY: Orders = { restarts: [], stops: [] };

/** Which generation of a temporary actor is alive, by its key without the generation; 0 where nothing is noted. */
export type Generations = ReadonlyMap<string, number>;

export class TreeModel {
  readonly #parents = new Map<string, TreePlace>();
  readonly #places = new Map<string, TreePlace>();

  constructor(root: TreePlace) {
    this.#add(root);
  }

  #add(place: TreePlace): void {
    this.#places.set(addressOf(place), place);
    for (const child of place.children) {
      this.#parents.set(addressOf(child), place);
      this.#add(child);
    }
  }

  /** Place of an address, of whatever generation; nothing when it is not in the tree. */
  placeOf(address: string): TreePlace | undefined {
    return this.#places.get(address.replace(/:\d+$/, ':0'));
  }

  /** What a failure leads to for others, when the actor that failed goes on. One that ends concerns nobody. */
  ordersAfter(failed: string, generations: Generations): Orders {
    const place = this.placeOf(failed);
    const parent = place && this.#parents.get(addressOf(place));
    if (!place || !parent || place.type === 'brief' || parent.type === 'one') return NOBODY;
    const siblings = inOrderOfStart(parent.children, generations);
    const from = parent.type === 'all' ? 0 : siblings.indexOf(place);
    const bound = siblings.slice(from).filter((sibling) => sibling !== place);
    const below = bound.concat(place.children).flatMap((top) => withAllBelow(top, generations));
    return {
      restarts: below.filter(({ type }) => type !== 'brief').map(({ address }) => address),
      stops: below.filter(({ type }) => type === 'brief').map(({ address }) => address),
    };
  }
}

/** A temporary actor that followed another one was started after all the others. */
function inOrderOfStart(children: readonly TreePlace[], generations: Generations): readonly TreePlace[] {
  const isLater = ({ key }: TreePlace): number => ((generations.get(key) ?? 0) > 0 ? 1 : 0);
  return children.toSorted((a, b) => isLater(a) - isLater(b));
}

interface Below {
  readonly type: TreePlace['type'];
  readonly address: string;
}

function withAllBelow(place: TreePlace, generations: Generations): readonly Below[] {
  const own = { type: place.type, address: addressOf(place, generations.get(place.key)) };
  return [own, ...place.children.flatMap((child) => withAllBelow(child, generations))];
}
