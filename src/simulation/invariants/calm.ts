import type { ProtocolNotice } from '../../membership/protocol.js';
import type { Latency } from '../network/latency.js';
import type { Fault } from '../scenarios/fault.js';
import type { Check, Watched, WatchedNode } from './check.js';

/** A partition between more pairs than this is remembered as a whole, until everything is healed. */
const MAX_CUTS = 100_000;

/** What calm is measured against. */
export interface CalmOptions {
  /** The longest crossing of the network that counts as calm. */
  readonly maxLatencyMs: number;
  /** The latency before any fault; undefined: the simulation's default, which is calm. */
  readonly latency?: Latency | undefined;
}

/**
 * Knows when the cluster is calm, and since when: rules about what must happen in the end hold only then. It checks
 * nothing itself, and stands before those that ask it.
 */
export class Calm<M> implements Check<M> {
  readonly #options: CalmOptions;
  #simulation: Watched<M> | undefined;
  /** What stands in the way now, by name, until it is undone. */
  readonly #active = new Set<string>();
  /** When what ends by itself has ended: flapping, which can be healed, and stalls. */
  #flapsUntilMs = 0;
  #stallsUntilMs = 0;
  #changedAtMs = 0;
  #cameOrWentAtMs = 0;
  #disturbedSinceMs: number | undefined;
  #longestMs = 0;

  constructor(options: CalmOptions) {
    this.#options = options;
    if (options.latency !== undefined) this.#set('delay', options.latency.maxMs > options.maxLatencyMs);
  }

  begin(simulation: Watched<M>): void {
    this.#simulation = simulation;
  }

  get nowMs(): number {
    return this.#simulation?.nowMs ?? 0;
  }

  /**
   * Since when network and nodes have been undisturbed, in virtual milliseconds; `Infinity` when they are not.
   * Processes may come and go.
   */
  get calmSinceMs(): number {
    if (this.#active.size > 0) return Number.POSITIVE_INFINITY;
    const sinceMs = Math.max(this.#changedAtMs, this.#flapsUntilMs, this.#stallsUntilMs);
    return sinceMs > this.nowMs ? Number.POSITIVE_INFINITY : sinceMs;
  }

  /** The same, and nobody has started, ended, joined, left or changed since then. */
  get quietSinceMs(): number {
    return Math.max(this.calmSinceMs, this.#cameOrWentAtMs);
  }

  /** The longest time without calm so far. */
  get longestDisturbanceMs(): number {
    return this.#longestMs;
  }

  started(): void {
    this.#cameOrWentAtMs = this.nowMs;
  }

  ended(node: WatchedNode<M>): void {
    this.#cameOrWentAtMs = this.nowMs;
    const name = machineOf(node);
    const isShared = this.#simulation?.running().some((other) => other !== node && machineOf(other) === name);
    // Who shares an address with it may go on standing still.
    this.#release(isShared === true ? node.name : name);
  }

  noticed(_node: WatchedNode<M>, { type }: ProtocolNotice): void {
    if (type === 'join-completed') this.#cameOrWentAtMs = this.nowMs;
  }

  fault(fault: Fault): void {
    const before = this.calmSinceMs;
    if (!this.#network(fault) && !this.#node(fault)) this.#cameOrWentAtMs = this.nowMs;
    else this.#changedAtMs = this.nowMs;
    this.#measure(before);
  }

  /** Faults of the network. False when it is of another kind. */
  #network(fault: Fault): boolean {
    switch (fault.kind) {
      case 'cut':
      case 'heal':
        this.#set(`cut ${fault.from}>${fault.to}`, fault.kind === 'cut');
        return true;
      case 'partition':
        this.#partition(fault.groups);
        return true;
      case 'heal-all':
        this.#healAll();
        return true;
      case 'flap':
        this.#flapsUntilMs = Math.max(
          this.#flapsUntilMs,
          this.nowMs + fault.times * (fault.downMs + fault.upMs),
        );
        return true;
      case 'lose':
      case 'duplicate':
      case 'reorder':
        this.#set(`${fault.kind}${way(fault.from, fault.to)}`, fault.share > 0);
        return true;
      case 'delay':
        this.#set(`delay${way(fault.from, fault.to)}`, fault.latency.maxMs > this.#options.maxLatencyMs);
        return true;
      case 'answer-dials':
        this.#set(`dials ${fault.node}`, fault.rule !== 'allow');
        return true;
      default:
        return false;
    }
  }

  /** Faults of nodes. False when a process comes, goes, or changes what it tells of itself. */
  #node(fault: Fault): boolean {
    switch (fault.kind) {
      case 'pause':
      case 'resume':
        this.#set(`paused ${fault.node}`, fault.kind === 'pause');
        return true;
      case 'slow-loop':
        this.#set(`slow ${fault.node}`, fault.callbackMs > 0);
        return true;
      case 'stall':
      case 'block-io':
      case 'suspend':
        this.#stallsUntilMs = Math.max(this.#stallsUntilMs, this.nowMs + fault.ms);
        return true;
      case 'shift-clock':
        return true;
      case 'share-address':
        this.#active.add(`shared ${fault.node}`);
        return true;
      case 'crash':
      case 'power-off':
      case 'restart':
        this.#release(fault.node);
        return false;
      default:
        return false;
    }
  }

  #partition(groups: readonly (readonly string[])[]): void {
    const names = groups.reduce((count, group) => count + group.length, 0);
    if (names * names > MAX_CUTS) return void this.#active.add('cut everywhere');
    for (const group of groups) {
      for (const other of groups) {
        if (other === group) continue;
        for (const from of group) for (const to of other) this.#active.add(`cut ${from}>${to}`);
      }
    }
  }

  #healAll(): void {
    for (const what of this.#active) {
      if (/^(cut|lose|duplicate|reorder|delay|dials|shared)\b/.test(what)) this.#active.delete(what);
    }
    this.#flapsUntilMs = Math.min(this.#flapsUntilMs, this.nowMs);
    this.#set('delay', (this.#options.latency?.maxMs ?? 0) > this.#options.maxLatencyMs);
  }

  /** A process is over: nobody will ever tell of what held it back. */
  #release(name: string): void {
    const before = this.calmSinceMs;
    for (const what of [`paused ${name}`, `slow ${name}`]) {
      if (this.#active.delete(what)) this.#changedAtMs = this.nowMs;
    }
    this.#measure(before);
  }

  #set(what: string, isActive: boolean): void {
    if (isActive) this.#active.add(what);
    else this.#active.delete(what);
  }

  #measure(calmBeforeMs: number): void {
    const isCalm = this.calmSinceMs !== Number.POSITIVE_INFINITY;
    if (calmBeforeMs !== Number.POSITIVE_INFINITY && !isCalm) this.#disturbedSinceMs ??= this.nowMs;
    if (this.#disturbedSinceMs !== undefined) {
      this.#longestMs = Math.max(this.#longestMs, this.nowMs - this.#disturbedSinceMs);
      if (isCalm) this.#disturbedSinceMs = undefined;
    }
  }
}

/** A machine's later processes are called `c#2`, `c#3` … */
function machineOf({ name }: { readonly name: string }): string {
  return name.split('#')[0]!;
}

function way(from: string | undefined, to: string | undefined): string {
  return from === undefined && to === undefined ? '' : ` ${from ?? '*'}>${to ?? '*'}`;
}
