import type { Random } from '../random.js';
import { drawLatencyMs, type Latency } from './latency.js';
import { PathRule } from './path-rule.js';

/** How a host answers dials that no established link is needed for. @publicApi */
export type DialRule = 'allow' | 'refuse' | 'drop';

/** Which messages are held back, and for how long at most. @publicApi */
export interface Reordering {
  /** The share of messages, 0 to 1. */
  readonly share: number;
  /** The longest that one is held back, in milliseconds. */
  readonly spreadMs: number;
}

const IN_ORDER: Reordering = { share: 0, spreadMs: 0 };

/**
 * The network between hosts, one direction at a time: how long a crossing takes, what is lost, doubled, held back or
 * cut. Hosts are named by their address.
 */
export class Paths {
  readonly #random: Random;
  readonly #cut = new Set<string>();
  readonly #usualLatency: Latency;
  readonly #latency: PathRule<Latency>;
  readonly #loss = new PathRule(0);
  readonly #duplication = new PathRule(0);
  readonly #reordering = new PathRule(IN_ORDER);
  readonly #dialRules = new Map<string, DialRule>();
  readonly #switchedOff = new Set<string>();
  readonly #asleep = new Set<string>();
  /** Told of each direction that works again. */
  onHeal: (from: string, to: string) => void = () => {};
  /** Told of each host that is awake again. */
  onWake: (host: string) => void = () => {};

  constructor(random: Random, latency: Latency) {
    this.#random = random;
    this.#usualLatency = latency;
    this.#latency = new PathRule(latency);
  }

  cut(from: string, to: string): void {
    this.#cut.add(direction(from, to));
  }

  heal(from: string, to: string): void {
    if (this.#cut.delete(direction(from, to))) this.onHeal(from, to);
  }

  /** The network is as it was in the beginning. Hosts without power stay so. */
  healAll(): void {
    this.#latency.setEverywhere(this.#usualLatency);
    this.#loss.setEverywhere(0);
    this.#duplication.setEverywhere(0);
    this.#reordering.setEverywhere(IN_ORDER);
    this.#dialRules.clear();
    for (const cut of this.#cut) {
      const [from, to] = cut.split('>');
      this.heal(from!, to!);
    }
  }

  isCut(from: string, to: string): boolean {
    if (this.#cut.size > 0 && this.#cut.has(direction(from, to))) return true;
    return this.#asleep.size > 0 && (this.#asleep.has(from) || this.#asleep.has(to));
  }

  /** The share of whole messages that are lost. Over TCP loss is delay: this models worse than that. */
  setLoss(share: number, from?: string, to?: string): void {
    this.#loss.set(share, from, to);
  }

  loses(from: string, to: string): boolean {
    const share = this.#loss.of(from, to);
    return share > 0 && this.#random.chance(share);
  }

  /** The share of messages that come twice. */
  setDuplication(share: number, from?: string, to?: string): void {
    this.#duplication.set(share, from, to);
  }

  duplicates(from: string, to: string): boolean {
    const share = this.#duplication.of(from, to);
    return share > 0 && this.#random.chance(share);
  }

  /** The share of messages that are held back, and so overtaken. */
  setReordering(reordering: Reordering, from?: string, to?: string): void {
    this.#reordering.set(reordering, from, to);
  }

  /** How long this message is held back; 0: it keeps its place. */
  heldBackMs(from: string, to: string): number {
    const { share, spreadMs } = this.#reordering.of(from, to);
    return share > 0 && this.#random.chance(share) ? this.#random.between(0, spreadMs) : 0;
  }

  setLatency(latency: Latency, from?: string, to?: string): void {
    this.#latency.set(latency, from, to);
  }

  latencyMs(from: string, to: string): number {
    return drawLatencyMs(this.#latency.of(from, to), this.#random);
  }

  setDialRule(host: string, rule: DialRule): void {
    if (rule === 'allow') this.#dialRules.delete(host);
    else this.#dialRules.set(host, rule);
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

  /** A host that sleeps answers nothing either; what was sent to it is sent again when it is awake. */
  setAsleep(host: string, asleep: boolean): void {
    if (asleep) this.#asleep.add(host);
    else if (this.#asleep.delete(host)) this.onWake(host);
  }
}

function direction(from: string, to: string): string {
  return `${from}>${to}`;
}
