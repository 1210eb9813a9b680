/** One life of an actor that is not stored: what its live actor, its timers and its effect functions ask for. */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import type { Address } from '../actor/address.ts';
import type { AnyDefinition } from '../actor/define.ts';
import type { TimerPolicy } from '../actor/policy.ts';
import type { ActorEvent } from '../actor/effects.ts';
import type { Env } from '../env.ts';
import type { EffectHost } from './effect-runs.ts';
import type { Item } from './items.ts';
import { LiveActor } from './live-actor.ts';
import type { LiveHost } from './live-actor.ts';
import type { MachineTimer } from './machine-timers.ts';
import { PlainActor } from './plain-actor.ts';
import type { CellServices } from './services.ts';
import type { Delivery } from './xstate-seams.ts';

/** Whose life it is. */
export interface LifeHooks {
  readonly address: Address;
  readonly services: CellServices;
  /** True until another life, or none, has taken its place. */
  isLiving(live: VolatileActor): boolean;
  /** An input of the machine's own that wants a turn. */
  wantTurn(item: Item): void;
  /** An effect function makes no progress. */
  stalled(error: Error): void;
}

/** A machine, or a function. */
export type VolatileActor = LiveActor | PlainActor;

export class VolatileLife implements LiveHost, EffectHost {
  readonly live: VolatileActor;
  readonly #cell: LifeHooks;
  readonly #definition: AnyDefinition;
  readonly downtimeMs = 0;
  readonly timerPolicies: Readonly<Record<string, TimerPolicy>> = {};

  constructor(cell: LifeHooks, definition: AnyDefinition, origin: { readonly input: unknown }) {
    this.#cell = cell;
    this.#definition = definition;
    const { handler } = definition;
    this.live = handler ? new PlainActor(handler) : new LiveActor(this, origin, false);
  }

  get address(): Address {
    return this.#cell.address;
  }

  get machine(): AnyStateMachine {
    return this.#definition.machine as AnyStateMachine;
  }

  get env(): Env {
    return this.#cell.services.env;
  }

  get boot(): string {
    return this.#cell.services.boot;
  }

  onDelivery(delivery: Delivery): void {
    if (this.#isLiving) this.#cell.wantTurn({ kind: 'internal', delivery, life: this.live });
  }

  onTimer(timer: MachineTimer): void {
    if (this.#isLiving) this.#cell.wantTurn({ kind: 'timer', timer, life: this.live });
  }

  onTimerLost(): void {
    // Nothing is stored that could be lost.
  }

  get machineLogger(): (...args: unknown[]) => void {
    return this.#cell.services.machineLogger;
  }

  onSettled(actor: AnyActorRef, event: { readonly type: string }): void {
    if (this.#isLiving) actor.send(event as never);
  }

  get stallMs(): number {
    return this.#definition.policy.supervise.stallMs;
  }

  onStalled(_key: string, error: Error): void {
    if (this.#isLiving) this.#cell.stalled(error);
  }

  sendFromEffect(to: string, event: ActorEvent, id: string): Promise<void> {
    return this.#cell.services.send(to, event, id);
  }

  markEffect(key: string | undefined): void {
    this.#cell.services.mark(this.address, key);
  }

  runEffect<T>(key: string, run: () => T): T {
    return this.#cell.services.runEffect(this.address, key, run);
  }

  get #isLiving(): boolean {
    return this.#cell.isLiving(this.live);
  }
}
