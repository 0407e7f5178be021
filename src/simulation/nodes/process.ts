import type { Clock, Timer } from '../../clock.js';
import type { ProcessLoop } from '../../transport/memory/process-loop.js';
import { EventLoop } from '../clock/event-loop.js';
import type { VirtualClock } from '../clock/virtual-clock.js';
import { Random } from '../random.js';
import type { NodeLog } from './node-log.js';

/** 2026-01-01, where virtual time 0 lies on every wall clock. */
const EPOCH_AT_START_MS = 1_767_225_600_000;

/** One process of a node: the clock that it lives by, its randomness, and what it logs. A restart makes another one. */
export class Process implements Clock, ProcessLoop {
  readonly loop: EventLoop;
  readonly random: () => number;
  readonly #world: VirtualClock;
  /** What it was given to do: timers and input. */
  tasks = 0;
  #end: 'none' | 'crashed' | 'powered-off' = 'none';
  #wallShiftMs = 0;
  /** What came while it stood still: read one by one, so that promises settle in between, as in Node. */
  readonly #backlog: (() => void)[] = [];

  constructor(
    /** The machine: faults refer to it, and it outlives the process. */
    readonly name: string,
    world: VirtualClock,
    seed: number,
    readonly log: NodeLog,
  ) {
    const random = new Random(seed);
    this.random = () => random.next();
    this.loop = new EventLoop(world);
    this.#world = world;
  }

  /** Whether it has died, and how. */
  get end(): 'none' | 'crashed' | 'powered-off' {
    return this.#end;
  }

  kill(how: 'crashed' | 'powered-off'): void {
    this.#end = how;
    this.#backlog.length = 0;
    this.loop.kill();
  }

  /** The wall clock jumps. */
  shiftWallClock(ms: number): void {
    this.#wallShiftMs += ms;
  }

  now(): number {
    return this.loop.now();
  }

  epochMs(): number {
    return EPOCH_AT_START_MS + this.#world.now() + this.#wallShiftMs;
  }

  sleptMs(): number {
    return this.loop.sleptMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    this.tasks++;
    return this.loop.setTimer(delayMs, callback);
  }

  afterPoll(callback: () => void): void {
    this.loop.afterPoll(callback);
  }

  input(callback: () => void): void {
    this.tasks++;
    if (this.#backlog.length === 0 && !this.loop.isFrozen) {
      this.loop.input(callback);
    } else if (this.#end === 'none' && this.#backlog.push(callback) === 1) {
      this.loop.input(this.#readOne);
    }
  }

  readonly #readOne = (): void => {
    this.#backlog.shift()?.();
    if (this.#backlog.length > 0) this.#world.setTimer(0, () => this.loop.input(this.#readOne));
  };
}
