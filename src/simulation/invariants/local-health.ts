import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Check, WatchedNode } from './check.js';
import { violated } from './violation.js';

interface Doubt {
  score: number;
  /** Probes answered since the score last rose. */
  cleanProbes: number;
}

/** Rule 12: local health lies in [0, S], and is 0 after S clean probes. Lifeguard §IV-A. */
export class LocalHealthRange<M> implements Check<M> {
  readonly #max: number;
  /** Nodes that doubt themselves. */
  readonly #doubts = new Map<WatchedNode<M>, Doubt>();

  constructor({ maxLocalHealth, components }: SwimOptions) {
    this.#max = components.lhaProbe ? maxLocalHealth : 0;
  }

  ended(node: WatchedNode<M>): void {
    this.#doubts.delete(node);
  }

  traced(node: WatchedNode<M>, { kind, data }: TraceEvent): void {
    if (kind === 'probe-acked') {
      const doubt = this.#doubts.get(node);
      if (doubt !== undefined) doubt.cleanProbes++;
    } else if (kind === 'health' && data?.['score'] !== undefined) this.#note(node, data['score']);
  }

  afterInput(node: WatchedNode<M>): void {
    const score = node.protocol.localHealth;
    if (score === 0 && this.#doubts.size === 0) return;
    if (!(score >= 0 && score <= this.#max) || !Number.isInteger(score)) {
      violated(12, node, `has local health ${score}, outside of 0 to ${this.#max}`);
    }
    this.#note(node, score);
    const { cleanProbes } = this.#doubts.get(node) ?? { cleanProbes: 0 };
    if (cleanProbes >= this.#max && score > 0) {
      violated(12, node, `has local health ${score} after ${cleanProbes} clean probes`);
    }
  }

  #note(node: WatchedNode<M>, score: number): void {
    const doubt = this.#doubts.get(node);
    if (score === 0) this.#doubts.delete(node);
    else if (doubt === undefined) this.#doubts.set(node, { score, cleanProbes: 0 });
    else {
      if (score > doubt.score) doubt.cleanProbes = 0;
      doubt.score = score;
    }
  }
}
