import type { MembershipEvent } from '../../membership/membership.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Latency } from '../network/latency.js';
import type { Fault } from '../scenarios/fault.js';
import { calmLatencyMs } from './bounds.js';
import type { Check, Watched, WatchedNode } from './check.js';
import { violated } from './violation.js';

/**
 * Rule 18: no false positive without faults, and none from a stall shorter than the probe timeout.
 *
 * As long as a run has had no fault but processes that come and go, changed metadata and such stalls, nobody suspects a
 * process that runs. Relays that lost their power are silent, but one that runs answers the direct ping in time; a stall
 * and two crossings leave time before the probe ends. Two stalls of one process count as one unless a probe interval
 * lies between them. After another fault the rule is silent for the rest of the run: what was said then may be heard
 * later.
 */
export class FalsePositives<M> implements Check<M> {
  readonly #options: SwimOptions;
  readonly #running = new Map<NodeId, WatchedNode<M>>();
  /** When the last stall of a node ended. */
  readonly #stalledUntilMs = new Map<string, number>();
  #simulation: Watched<M> | undefined;
  #isBenign: boolean;

  constructor(options: SwimOptions, latency?: Latency) {
    this.#options = options;
    this.#isBenign = latency === undefined || this.#isFast(latency);
  }

  begin(simulation: Watched<M>): void {
    this.#simulation = simulation;
  }

  started(node: WatchedNode<M>): void {
    this.#running.set(node.id, node);
  }

  ended(node: WatchedNode<M>): void {
    this.#running.delete(node.id);
  }

  fault(fault: Fault): void {
    if (this.#isBenign) this.#isBenign = this.#allows(fault);
  }

  event(node: WatchedNode<M>, { type, member }: MembershipEvent): void {
    if (!this.#isBenign || (type !== 'suspected' && type !== 'unreachable')) return;
    const subject = this.#running.get(member.id);
    if (subject !== undefined && subject.protocol.local.state !== 'left') {
      violated(18, node, `emitted ${type} about ${subject.name}, which runs well`);
    }
  }

  #allows(fault: Fault): boolean {
    switch (fault.kind) {
      case 'crash':
      case 'power-off':
      case 'restart':
      case 'leave':
      case 'set-metadata':
      case 'heal':
      case 'heal-all':
        return true;
      case 'delay':
        return this.#isFast(fault.latency);
      case 'lose':
      case 'duplicate':
      case 'reorder':
        return fault.share === 0;
      case 'answer-dials':
        return fault.rule === 'allow';
      case 'stall':
        return this.#isShort(fault.node, fault.ms);
      default:
        return false;
    }
  }

  #isFast({ maxMs }: Latency): boolean {
    return maxMs <= calmLatencyMs(this.#options);
  }

  #isShort(name: string, ms: number): boolean {
    const { probeTimeoutMs, probeIntervalMs, components } = this.#options;
    const nowMs = this.#simulation?.nowMs ?? 0;
    const isApart = nowMs >= (this.#stalledUntilMs.get(name) ?? Number.NEGATIVE_INFINITY) + probeIntervalMs;
    this.#stalledUntilMs.set(name, nowMs + ms);
    return components.eventLoopAwareness && ms < probeTimeoutMs && isApart;
  }
}
