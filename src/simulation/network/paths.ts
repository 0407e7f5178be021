import type { Random } from '../random.js';
import { drawLatencyMs, type Latency } from './latency.js';

/** How a host answers dials that no established link is needed for. */
export type DialRule = 'allow' | 'refuse' | 'drop';

/**
 * The network between hosts, one direction at a time: how long a crossing takes, what is lost, what is cut. Hosts
 * are named by their address.
 */
export class Paths {
  readonly #random: Random;
  readonly #cut = new Set<string>();
  readonly #latencies = new Map<string, Latency>();
  readonly #dialRules = new Map<string, DialRule>();
  readonly #switchedOff = new Set<string>();
  #latency: Latency;
  #loss = 0;
  /** Told of each direction that works again. */
  onHeal: (from: string, to: string) => void = () => {};

  constructor(random: Random, latency: Latency) {
    this.#random = random;
    this.#latency = latency;
  }

  cut(from: string, to: string): void {
    this.#cut.add(direction(from, to));
  }

  heal(from: string, to: string): void {
    if (this.#cut.delete(direction(from, to))) this.onHeal(from, to);
  }

  healAll(): void {
    for (const cut of this.#cut) {
      const [from, to] = cut.split('>');
      this.heal(from!, to!);
    }
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.size > 0 && this.#cut.has(direction(from, to));
  }

  /** The share of whole messages that are lost. Over TCP loss is delay: this models worse than that. */
  setLoss(share: number): void {
    this.#loss = share;
  }

  loses(): boolean {
    return this.#loss > 0 && this.#random.chance(this.#loss);
  }

  setLatency(latency: Latency, from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.#latency = latency;
    else this.#latencies.set(direction(from, to), latency);
  }

  latencyMs(from: string, to: string): number {
    const latency = (this.#latencies.size > 0 && this.#latencies.get(direction(from, to))) || this.#latency;
    return drawLatencyMs(latency, this.#random);
  }

  setDialRule(host: string, rule: DialRule): void {
    this.#dialRules.set(host, rule);
  }

  dialRule(host: string): DialRule {
    return this.#dialRules.get(host) ?? 'allow';
  }

  /** A host without power answers nothing, not even with a refusal. */
  setPower(host: string, on: boolean): void {
    if (on) this.#switchedOff.delete(host);
    else this.#switchedOff.add(host);
  }

  hasPower(host: string): boolean {
    return !this.#switchedOff.has(host);
  }
}

function direction(from: string, to: string): string {
  return `${from}>${to}`;
}
