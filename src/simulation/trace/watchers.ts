import type { Check } from '../invariants/check.js';

/** A check that surely has these hooks. */
type With<M, K extends keyof Check<M>> = Required<Pick<Check<M>, K>>;

/**
 * The checks of one simulation, by what they want to be told. A hook that nobody implements is an empty list, so that
 * what is not checked costs nothing.
 */
export class Watchers<M> {
  readonly begin: readonly With<M, 'begin'>[];
  readonly started: readonly With<M, 'started'>[];
  readonly ended: readonly With<M, 'ended'>[];
  readonly beforeInput: readonly With<M, 'beforeInput'>[];
  readonly afterInput: readonly With<M, 'afterInput'>[];
  readonly event: readonly With<M, 'event'>[];
  readonly reset: readonly With<M, 'reset'>[];
  readonly sent: readonly With<M, 'sent'>[];
  readonly traced: readonly With<M, 'traced'>[];
  readonly noticed: readonly With<M, 'noticed'>[];
  readonly fault: readonly With<M, 'fault'>[];
  readonly tick: readonly With<M, 'tick'>[];
  readonly finish: readonly With<M, 'finish'>[];

  constructor(checks: readonly Check<M>[]) {
    const having = <K extends keyof Check<M>>(hook: K) =>
      checks.filter((check): check is Check<M> & With<M, K> => check[hook] !== undefined);
    this.begin = having('begin');
    this.started = having('started');
    this.ended = having('ended');
    this.beforeInput = having('beforeInput');
    this.afterInput = having('afterInput');
    this.event = having('event');
    this.reset = having('reset');
    this.sent = having('sent');
    this.traced = having('traced');
    this.noticed = having('noticed');
    this.fault = having('fault');
    this.tick = having('tick');
    this.finish = having('finish');
  }

  /** Whether anybody looks at inputs. */
  get watchesInputs(): boolean {
    return this.beforeInput.length > 0 || this.afterInput.length > 0;
  }
}
