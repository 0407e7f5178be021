import type { MembershipEvent } from '../../membership/membership.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Fault } from '../scenarios/fault.js';
import { leftEverywhereMs, MAX_RETRANSMIT_MS, warmUpMs } from './bounds.js';
import type { Calm } from './calm.js';
import type { Check, Watched, WatchedNode } from './check.js';
import { violated } from './violation.js';

/** A leave in calm, and who held the leaver alive when it began. */
interface Leave<M> {
  readonly name: string;
  readonly sinceMs: number;
  readonly observers: ReadonlySet<WatchedNode<M>>;
}

/**
 * Rule 6, seen from the leaver: who leaves in calm has left, at everybody who knew it, within a bound, and nobody finds
 * it unreachable instead. One that is lost meanwhile may have been the one that was told, so it ends the watch.
 */
export class Leaves<M> implements Check<M> {
  readonly #options: SwimOptions;
  readonly #calm: Calm<M>;
  readonly #leaves = new Map<NodeId, Leave<M>>();
  readonly #isOn: boolean;
  #simulation: Watched<M> | undefined;

  constructor(options: SwimOptions, calm: Calm<M>) {
    this.#options = options;
    this.#calm = calm;
    // Where gossip is rare, chance decides who hears of it in time.
    this.#isOn = options.components.infection && options.gossipFanout > 1 && options.retransmitMultiplier > 2;
  }

  begin(simulation: Watched<M>): void {
    this.#simulation = simulation;
  }

  ended(_node: WatchedNode<M>, how: 'closed' | 'goodbye' | 'silent'): void {
    if (how !== 'goodbye') this.#leaves.clear();
  }

  fault(fault: Fault): void {
    if (!this.#isOn || fault.kind !== 'leave') return;
    const { nowMs, calmSinceMs, longestDisturbanceMs } = this.#calm;
    const recoveryMs = Math.min(MAX_RETRANSMIT_MS, longestDisturbanceMs) + warmUpMs(this.#options);
    if (nowMs < calmSinceMs + recoveryMs) return;
    const running = this.#simulation?.running() ?? [];
    const leaver = running.find(({ name }) => name.split('#')[0] === fault.node);
    if (leaver === undefined) return;
    const { id, name } = leaver;
    // While many of the dead pass for alive, most gossip goes to them, and chance decides who hears of a leave in time.
    const living = new Set(running.map((node) => node.id));
    if (leaver.protocol.view.members.some((member) => !living.has(member.id))) return;
    const observers = running.filter(({ protocol }) => protocol.member(id)?.state === 'alive');
    // Who has not heard of it yet, or doubts it, may tell others so.
    if (observers.length === running.length)
      this.#leaves.set(id, { name, sinceMs: nowMs, observers: new Set(observers) });
  }

  event(node: WatchedNode<M>, { type, member }: MembershipEvent): void {
    if (type !== 'unreachable' || !this.#leaves.has(member.id)) return;
    if (this.#isCalm(this.#leaves.get(member.id)!))
      violated(6, node, `found ${member.name} unreachable, which has left in calm`);
  }

  tick(nowMs: number): void {
    for (const [id, leave] of this.#leaves) {
      if (!this.#isCalm(leave)) this.#leaves.delete(id);
      else if (nowMs - leave.sinceMs > leftEverywhereMs(this.#options, leave.observers.size)) {
        this.#leaves.delete(id);
        this.#look(id, leave, nowMs);
      }
    }
  }

  #isCalm({ sinceMs }: Leave<M>): boolean {
    return this.#calm.calmSinceMs <= sinceMs;
  }

  #look(id: NodeId, { name, sinceMs, observers }: Leave<M>, nowMs: number): void {
    for (const node of observers) {
      if (!node.isRunning || node.id === id || node.protocol.local.state === 'left') continue;
      const state = node.protocol.member(id)?.state ?? 'unknown';
      if (state !== 'left') violated(6, node, `holds ${name} ${state} ${nowMs - sinceMs} ms after it left`);
    }
  }
}
