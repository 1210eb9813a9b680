/**
 * One run of the tree: waves of faults, several subtrees at once and one fault in each, under load. Between two waves everything comes to
 * rest as far as supervision goes; the load goes on.
 */
import type { ChaosRandom } from './chaos-random.ts';
import { judgeWave } from './tree-check.ts';
import type { Fault, WaveVerdict } from './tree-check.ts';
import { EFFECT_FAULTS, FAULT_KINDS } from './tree-faults.ts';
import type { FaultKind } from './tree-faults.ts';
import { inTime, until } from './tree-home.ts';
import type { TreeHome } from './tree-home.ts';
import { isBrief } from './tree-load.ts';
import type { TreeLoad } from './tree-load.ts';
import { endFault, marksOf } from './tree-marks.ts';
import { TreeModel } from './tree-model.ts';
import { addressOf, placesFrom } from './tree-shape.ts';
import type { TreePlace } from './tree-shape.ts';

export interface TreeRunParts {
  readonly home: TreeHome;
  readonly load: TreeLoad;
  readonly random: ChaosRandom;
  readonly root: TreePlace;
}

/** A fault that is about to be injected. */
type Planned = Omit<Fault, 'marks'>;

/** What a temporary actor may be asked for: nobody waits for it to be named, and there is no second try. */
const BRIEF_KINDS = FAULT_KINDS.filter((kind) => kind !== 'poison' && kind !== 'hang-later');

const isEffectFault = (kind: FaultKind): boolean => (EFFECT_FAULTS as readonly FaultKind[]).includes(kind);

export class TreeRun {
  readonly #parts: TreeRunParts;
  readonly #model: TreeModel;
  readonly #places: readonly TreePlace[];
  /** Alive now, by the key without it. */
  readonly #generations = new Map<string, number>();
  /** Those whose effect functions fail until they have been named, by address. */
  readonly #open = new Map<string, string>();
  readonly #kinds: FaultKind[] = [];
  #count = 0;

  constructor(parts: TreeRunParts) {
    this.#parts = parts;
    this.#model = new TreeModel(parts.root);
    this.#places = placesFrom(parts.root);
  }

  /** Addresses of all that should be alive. */
  get living(): readonly string[] {
    return this.#places.map((place) => addressOf(place, this.#generations.get(place.key)));
  }

  /** Every address that ever was. */
  get everyone(): readonly string[] {
    return this.#places.flatMap((place) => {
      const last = this.#generations.get(place.key) ?? 0;
      return Array.from({ length: last + 1 }, (_, generation) => addressOf(place, generation));
    });
  }

  /** Hears failures at once, so that faults that wait to be named end there. */
  async listen(): Promise<void> {
    await this.#parts.home.system.bus.subscribe('system.actor.failed', ({ data }) => {
      const { address, kind } = data as { readonly address: string; readonly kind: string };
      const id = this.#open.get(address);
      if (id !== undefined && (kind === 'stall' || kind === 'thread')) endFault(id);
    });
  }

  /** Injects at most `most` faults, waits for rest, and judges. */
  async wave(most: number): Promise<WaveVerdict & { readonly faults: readonly Fault[] }> {
    const { home } = this.#parts;
    const planned = this.#plan(most);
    const living = this.living;
    const before = home.homesOf(living);
    const words = planned.map(({ kind, address }) => `${kind} of ${address}`).join(', ');
    await inTime(Promise.all(planned.map((fault) => this.#inject(fault))), `answers to ${words}`);
    await inTime(this.#rest(), `rest after ${words}`);
    const said = await home.hear();
    const ended = await this.#endedOf(living);
    const faults = planned.map((fault) => ({ ...fault, marks: marksOf(fault.id) }));
    const homes = { before, after: home.homesOf(living) };
    const verdict = judgeWave({ faults, said, homes, generations: new Map(this.#generations), ended }, this.#model);
    await this.#follow(ended);
    return { ...verdict, faults };
  }

  /** One fault in each of the subtrees that chance picks; the root counts as one of its own. */
  #plan(most: number): readonly Planned[] {
    const { random, root } = this.#parts;
    const scopes = [[root], ...root.children.map(placesFrom)].filter(
      (places) => places.length > 1 || random.chance(0.2),
    );
    const picked = scopes
      .toSorted(() => random.next() - 0.5)
      .slice(0, Math.min(most, random.between(3, scopes.length)));
    return picked.map((places) => this.#planIn(places));
  }

  #planIn(places: readonly TreePlace[]): Planned {
    const { random } = this.#parts;
    // Parents and temporary ones more often than they are: leaves are most.
    const rare = places.filter(({ type }) => type !== 'leaf');
    const place = random.pick(rare.length > 0 && random.chance(0.4) ? rare : places);
    const address = addressOf(place, this.#generations.get(place.key));
    const kind = place.type === 'brief' ? random.pick(BRIEF_KINDS) : this.#nextKind();
    return { id: `f.${++this.#count}`, kind, address };
  }

  /** All kinds come equally often, in an order of chance. */
  #nextKind(): FaultKind {
    if (this.#kinds.length === 0) {
      const { random } = this.#parts;
      const bag: FaultKind[] = [...FAULT_KINDS];
      while (bag.length > 0) this.#kinds.push(...bag.splice(random.between(0, bag.length - 1), 1));
    }
    return this.#kinds.pop() as FaultKind;
  }

  async #inject({ id, kind, address }: Planned): Promise<void> {
    const { load, home } = this.#parts;
    if (kind === 'poison') return void (await load.send(address, 'BAD', 'bad', { id }));
    if (!isEffectFault(kind)) return void (await load.send(address, 'NOTE', 'note', { id, fault: kind }));
    this.#open.set(address, id);
    await load.send(address, 'RUN', 'run', { id, fault: kind });
    await until(() => home.isIdle(address), `'${kind}' of '${address}' is over`);
    this.#open.delete(address);
  }

  /** Nothing of supervision is under way: no row of it waits, and everybody who lives has answered since. */
  async #rest(): Promise<void> {
    const { home, load } = this.#parts;
    do {
      await until(() => home.countSupervisionRows() === 0, 'all orders are obeyed');
      await Promise.all(this.living.map((address) => load.send(address, 'NOTE', 'note')));
    } while (home.countSupervisionRows() > 0);
  }

  async #endedOf(living: readonly string[]): Promise<ReadonlySet<string>> {
    const { home } = this.#parts;
    const found = await Promise.all(
      living.filter(isBrief).map(async (address) => ({ address, status: await home.statusOf(address) })),
    );
    return new Set(found.filter(({ status }) => status !== 'active').map(({ address }) => address));
  }

  /** Another one takes the place of each temporary actor that has ended. */
  async #follow(ended: ReadonlySet<string>): Promise<void> {
    const { load } = this.#parts;
    const parents = this.#places.flatMap((parent) => parent.children.map((child) => ({ parent, child })));
    for (const { parent, child } of parents) {
      const generation = this.#generations.get(child.key) ?? 0;
      if (!ended.has(addressOf(child, generation))) continue;
      this.#generations.set(child.key, generation + 1);
      const extra = { place: child.key, generation: generation + 1 };
      await load.send(addressOf(parent), 'SPAWN', 'note', extra);
    }
    await until(async () => (await this.#endedOf(this.living)).size === 0, 'those that follow are there');
    load.targets = this.living;
  }
}
