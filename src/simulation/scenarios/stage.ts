import type { SwimOptions } from '../../membership/swim/options.js';
import type { Random } from '../random.js';
import type { Fault, ScheduledFault } from './fault.js';

/** What the themes of one scenario draw from, and where they put what they drew. */
export class Stage {
  readonly random: Random;
  /** All nodes. */
  readonly names: readonly string[];
  /** Those who may die for good: never all, so that somebody is left to agree. */
  readonly mortals: readonly string[];
  /** Faults begin within this time. */
  readonly spanMs: number;
  readonly swim: SwimOptions;
  readonly #schedule: ScheduledFault[] = [];

  constructor(random: Random, names: readonly string[], spanMs: number, swim: SwimOptions) {
    this.random = random;
    this.names = names;
    this.spanMs = spanMs;
    this.swim = swim;
    const survivors = Math.max(Math.min(2, names.length), Math.ceil(names.length * random.between(0.1, 0.6)));
    this.mortals = this.shuffled(names).slice(survivors);
  }

  /** All that was put, in the order of time. */
  get schedule(): readonly ScheduledFault[] {
    return [...this.#schedule].sort((a, b) => a.atMs - b.atMs);
  }

  put(atMs: number, fault: Fault): void {
    this.#schedule.push({ atMs: Math.round(atMs), fault });
  }

  /** Any moment at which a fault may begin. */
  moment(): number {
    return this.random.between(0, this.spanMs);
  }

  /** Whole milliseconds: half of the draws below the geometric middle, so that short and long ones are met alike. */
  lasting(minMs: number, maxMs: number): number {
    return Math.round(minMs * (maxMs / minMs) ** this.random.next());
  }

  count(min: number, max: number): number {
    return min + this.random.int(max - min + 1);
  }

  share(min: number, max: number): number {
    return Math.round(this.random.between(min, max) * 1000) / 1000;
  }

  anyone(): string {
    return this.random.pick(this.names);
  }

  /** Between so many different nodes; fewer when there are not so many. */
  some(min: number, max: number, among: readonly string[] = this.names): readonly string[] {
    return this.shuffled(among).slice(0, this.count(min, Math.max(min, max)));
  }

  /** Two different ones, when there are two. */
  pair(): readonly [string, string] {
    const [a, b] = this.some(2, 2);
    return [a!, b ?? a!];
  }

  /** One direction between two nodes, or, about as often, everywhere. */
  way(): { readonly from?: string; readonly to?: string } {
    if (this.random.chance(0.5)) return {};
    const [from, to] = this.pair();
    return { from, to };
  }

  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.random.int(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
    }
    return shuffled;
  }
}
