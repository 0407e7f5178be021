import type { Address } from '../../address.js';
import { formatAddress } from '../../address.js';
import type { Clock } from '../../clock.js';
import { MemoryLinks, type MemoryLinksOptions } from './memory-links.js';
import type { MemoryPipe } from './memory-pipe.js';

/** How long a frame takes, one way: drawn evenly from a range. */
export interface DelayRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** How long a frame takes, one way: a range, or a function that draws from the network's random numbers. */
export type Delay = DelayRange | (() => number);

export interface MemoryNetworkOptions {
  /** Virtual or real. */
  readonly clock: Clock;
  /** Uniform in [0, 1), seeded. */
  readonly random: () => number;
  /** Between any two processes, unless set otherwise. Default: 0.5 ms. */
  readonly delay?: Delay | undefined;
  /** The chance that a frame breaks the link that it is sent on. Default: 0. */
  readonly lossPerFrame?: number | undefined;
  /** After a heal, until what was held back is sent again. TCP backs off, up to minutes. Default: 0. */
  readonly healLagMs?: number | undefined;
}

const DEFAULT_DELAY: DelayRange = { minMs: 0.5, maxMs: 0.5 };
const FIRST_EPHEMERAL_PORT = 40_000;

/**
 * A network that exists only in memory. Processes have names, which faults refer to, and listen at addresses.
 * The same clock, random numbers and calls give the same run.
 *
 * As with TCP, frames are never lost or reordered within a link: a cut holds them back until it heals or the link
 * is given up, and only whole links break.
 */
export class MemoryNetwork {
  readonly clock: Clock;
  readonly random: () => number;
  readonly healLagMs: number;
  lossPerFrame: number;
  /** Between processes for which nothing else is set. */
  defaultDelay: Delay;

  private readonly delays = new Map<string, Delay>();
  private readonly losses = new Map<string, number>();
  private readonly processes = new Map<string, MemoryLinks>();
  /** Who listens, or listened last, at an address: a machine that is up refuses after its process has died. */
  private readonly owners = new Map<string, string>();
  private readonly cuts = new Set<string>();
  private readonly dialRules = new Map<string, 'refuse' | 'drop'>();
  private readonly holes = new Set<string>();
  private groups = new Map<string, number>();
  private readonly stalled = new Set<MemoryPipe>();
  private nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.defaultDelay = options.delay ?? DEFAULT_DELAY;
    this.lossPerFrame = options.lossPerFrame ?? 0;
    this.healLagMs = options.healLagMs ?? 0;
  }

  /** A process's links. A name can be used again when its process has crashed or closed. */
  links(name: string, options: MemoryLinksOptions = {}): MemoryLinks {
    const links = new MemoryLinks(this, name, options);
    this.processes.set(name, links);
    return links;
  }

  /** Sets how long frames take between two processes, both ways. */
  setDelay(a: string, b: string, delay: Delay): void {
    this.setDelayOneWay(a, b, delay);
    this.setDelayOneWay(b, a, delay);
  }

  /** Sets how long frames take from one process to another. */
  setDelayOneWay(from: string, to: string, delay: Delay): void {
    this.delays.set(way(from, to), delay);
  }

  /** Sets the chance that a frame from one process to another breaks its link. */
  setLossOneWay(from: string, to: string, perFrame: number): void {
    this.losses.set(way(from, to), perFrame);
  }

  /** Every way has the default delay again, and the default loss. */
  clearWays(): void {
    this.delays.clear();
    this.losses.clear();
  }

  /** Nothing passes between two processes. */
  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Nothing passes from one process to another; the way back stays open. */
  cutOneWay(from: string, to: string): void {
    this.cuts.add(way(from, to));
  }

  /** Nothing passes between processes of different groups; those in no group reach all. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.groups = new Map(groups.flatMap((names, group) => names.map((name) => [name, group] as const)));
  }

  /** Undoes cuts and dial rules between two processes, or without names all of them and the partition. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.cuts.clear();
      this.dialRules.clear();
      this.groups.clear();
    } else {
      this.mend(a, b);
      this.mend(b, a);
    }
    this.resumeStalled();
  }

  /** Undoes a cut and a dial rule in one direction. */
  healOneWay(from: string, to: string): void {
    this.mend(from, to);
    this.resumeStalled();
  }

  /** A firewall refuses new dials one way; links that there are go on. */
  rejectDials(from: string, to: string): void {
    this.answerDials(from, to, 'refuse');
  }

  /** How new dials are answered one way: refused, not at all, or (undefined) by whoever listens. */
  answerDials(from: string, to: string, rule: 'refuse' | 'drop' | undefined): void {
    if (rule === undefined) this.dialRules.delete(way(from, to));
    else this.dialRules.set(way(from, to), rule);
  }

  /** Breaks the links between two processes now, as a reset does. */
  breakLinks(a: string, b: string): void {
    for (const link of [...(this.processes.get(a)?.all ?? [])]) if (link.peerName === b) link.break();
  }

  /** The process dies: its links end at its peers, its ports refuse, and nothing is heard in it any more. */
  crash(name: string): void {
    this.processes.get(name)?.crash();
  }

  /** The machine is gone from the network: everything to and from it is swallowed, dials too. */
  blackHole(name: string): void {
    this.holes.add(name);
  }

  /** The machine is back on the network. */
  restore(name: string): void {
    this.holes.delete(name);
    this.resumeStalled();
  }

  // --- what links ask ---

  /** @internal */
  blocked(from: string, to: string): boolean {
    if (this.holes.has(from) || this.holes.has(to) || this.cuts.has(way(from, to))) return true;
    const group = this.groups.get(from);
    const other = this.groups.get(to);
    return group !== undefined && other !== undefined && group !== other;
  }

  /** @internal Whether a frame that is sent now breaks its link. */
  losesFrame(from: string, to: string): boolean {
    const chance = this.losses.get(way(from, to)) ?? this.lossPerFrame;
    return chance > 0 && this.random() < chance;
  }

  /** @internal */
  dialRule(from: string, to: string): 'refuse' | 'drop' | undefined {
    return this.dialRules.get(way(from, to));
  }

  /** @internal One draw of the delay. */
  delayMs(from: string, to: string): number {
    const delay = this.delays.get(way(from, to)) ?? this.defaultDelay;
    if (typeof delay === 'function') return delay();
    const { minMs, maxMs } = delay;
    return minMs === maxMs ? minMs : minMs + (maxMs - minMs) * this.random();
  }

  /** @internal */
  stall(pipe: MemoryPipe): void {
    this.stalled.add(pipe);
  }

  /** @internal */
  register(address: Address, name: string): void {
    this.owners.set(formatAddress(address), name);
  }

  /** @internal The process that listens, or listened last, at an address. */
  ownerOf(address: Address): { readonly name: string; readonly links: MemoryLinks | undefined } | undefined {
    const name = this.owners.get(formatAddress(address));
    return name === undefined ? undefined : { name, links: this.processes.get(name) };
  }

  /** @internal A port that nobody has used. */
  freePort(): number {
    return this.nextPort++;
  }

  private mend(from: string, to: string): void {
    this.cuts.delete(way(from, to));
    this.dialRules.delete(way(from, to));
  }

  private resumeStalled(): void {
    const pipes = [...this.stalled];
    this.stalled.clear();
    for (const pipe of pipes) pipe.resume();
  }
}

function way(from: string, to: string): string {
  return `${from}\u0000${to}`;
}
