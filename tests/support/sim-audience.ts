/** Code subscriptions of a simulated story: some with a name, some without, with handlers that dawdle and fail now and then. */
import type { BusEvent, BusSubscription, System } from '../../src/index.ts';
import type { ChaosRandom } from './chaos-random.ts';
import type { Observer } from './sim-observer.ts';
import type { CodeSubscription } from './sim-record.ts';
import { pause } from './sim-world.ts';

export interface AudienceOptions {
  readonly observer: Observer;
  readonly line: (text: string) => void;
  readonly random: ChaosRandom;
  readonly system: () => System;
}

interface Open {
  readonly subscription: CodeSubscription;
  handle?: BusSubscription;
}

export class Audience {
  readonly all: CodeSubscription[] = [];
  /** Names that are taken up, with their patterns. */
  readonly names = new Map<string, string>();
  readonly #options: AudienceOptions;
  #open: Open[] = [];
  #isCalm = false;
  readonly #tried = new Set<string>();

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  /** From now on no handler fails. */
  calmDown(): void {
    this.#isCalm = true;
  }

  isOpen(name: string): boolean {
    return this.#open.some(({ subscription }) => subscription.name === name);
  }

  subscribe(life: number, pattern: string, name?: string): void {
    const { observer, system, line } = this.#options;
    const id = `s${this.all.length}`;
    const askedAt = observer.publications.length;
    const subscription: CodeSubscription = {
      id,
      pattern,
      life,
      askedAt,
      heard: [],
      ...(name !== undefined && { name }),
    };
    if (name !== undefined) this.names.set(name, pattern);
    line(`subscribe ${id} to ${pattern} as ${name ?? 'nobody'}`);
    const open: Open = { subscription };
    this.all.push(subscription);
    this.#open.push(open);
    const handler = (event: BusEvent): Promise<void> => this.#hear(subscription, event);
    system()
      .bus.subscribe(pattern, handler, name === undefined ? {} : { name })
      .then(
        (handle) => {
          open.handle = handle;
          subscription.begunAt = observer.publications.length;
          line(`  ${id} begun`);
        },
        (error: unknown) => line(`  ${id} refused ${String(error)}`),
      );
  }

  /** Stops one of those that have begun. */
  stopOne(): void {
    const begun = this.#open.filter(({ handle }) => handle);
    if (begun.length === 0) return;
    const stopped = this.#options.random.pick(begun);
    this.#options.line(`unsubscribe ${stopped.subscription.id}`);
    this.#close(stopped);
    stopped.handle?.stop().then(
      () => this.#forget(stopped),
      () => {},
    );
  }

  /** The process has ended. */
  endLife(): void {
    for (const open of this.#open) this.#close(open);
    this.#open = [];
  }

  #close({ subscription }: Open): void {
    subscription.endedAt ??= this.#options.observer.publications.length;
  }

  #forget(open: Open): void {
    this.#open = this.#open.filter((other) => other !== open);
  }

  async #hear(subscription: CodeSubscription, event: BusEvent): Promise<void> {
    const { observer, line, random } = this.#options;
    const { id } = event.data as { id: string };
    if (subscription.name === undefined) subscription.heard.push(id);
    line(`  ${subscription.id} hears ${id}`);
    observer.mustBeDurable(
      `topic:${id}`,
      'topic-before-commit',
      `'${subscription.id}' heard '${id}' before it was durable`,
    );
    if (random.chance(0.3)) await pause(random.between(0, 60));
    // Once only: an event that fails three times becomes a dead letter.
    const isFirst = !this.#tried.has(`${subscription.id} ${id}`);
    this.#tried.add(`${subscription.id} ${id}`);
    if (!this.#isCalm && isFirst && random.chance(0.1)) throw new Error('thrown on purpose');
    if (subscription.name !== undefined) subscription.heard.push(id);
  }
}
