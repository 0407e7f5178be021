import type { ProtocolTimer, World } from '../protocol.js';
import type { SwimMessage } from './messages.js';

/** What a timer of this protocol is for. */
export type TimerKind =
  | 'round'
  | 'probe-timeout'
  | 'probe-end'
  | 'suspicion'
  | 'gossip'
  | 'refute'
  | 'check'
  | 'relay-nack'
  | 'relay-end'
  | 'sync'
  | 'sync-timeout'
  | 'page-timeout'
  | 'heal'
  | 'reap'
  | 'join-try'
  | 'join-another'
  | 'dial-back'
  | 'strangers'
  | 'leave';

/** A timer that fired: what it was for, and what it was about. The world knows it by its token only. */
export interface Fired extends ProtocolTimer {
  readonly kind: TimerKind;
  readonly subject: unknown;
}

/**
 * The timers that are set. A subject is the object that the timer is about (a probe, a suspicion), so that no closure
 * is made; a token that is not here any more is stale and harmless.
 */
export class Timers {
  readonly #world: World<SwimMessage>;
  readonly #pending = new Map<number, Fired>();
  #lastToken = 0;

  constructor(world: World<SwimMessage>) {
    this.#world = world;
  }

  /** How many are set. */
  get size(): number {
    return this.#pending.size;
  }

  /** Sets a timer; the token cancels it. */
  after(delayMs: number, kind: TimerKind, subject?: unknown): number {
    const timer = this.#made(kind, subject);
    this.#world.after(Math.max(0, delayMs), timer);
    return timer.token;
  }

  /** The same, after one pass of input polling. */
  afterPoll(kind: TimerKind, subject?: unknown): number {
    const timer = this.#made(kind, subject);
    this.#world.afterPoll(timer);
    return timer.token;
  }

  /** Always 0, so that a caller can write `x = timers.cancel(x)`. */
  cancel(token: number): 0 {
    const pending = this.#pending.get(token);
    if (pending === undefined) return 0;
    this.#pending.delete(token);
    this.#world.cancel(pending);
    return 0;
  }

  /** What has fired; undefined for a stale timer. */
  take(timer: ProtocolTimer): Fired | undefined {
    const fired = this.#pending.get(timer.token);
    this.#pending.delete(timer.token);
    return fired;
  }

  #made(kind: TimerKind, subject: unknown): Fired {
    const timer: Fired = { kind, token: ++this.#lastToken, subject };
    this.#pending.set(timer.token, timer);
    return timer;
  }

  clear(): void {
    for (const token of [...this.#pending.keys()]) this.cancel(token);
  }
}
