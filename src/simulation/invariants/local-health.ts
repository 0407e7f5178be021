import type { Peer, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

const ROUNDING_MS = 0.01;

/** Relays that were asked in one probe. */
interface Asked {
  sent: number;
  answered: number;
}

interface Observer {
  score: number;
  /** When it last doubted itself for a stall: no more than once a probe interval. */
  doubtedAtMs: number;
  /** By the member that is probed. */
  readonly asked: Map<NodeId, Asked>;
  /** By the numbers of the requests that are open. */
  readonly requests: Map<number, Asked>;
}

/**
 * Rule 12: local health lies in [0, S], and each change has its cause. One that answers a probe takes 1 off; a failed
 * probe adds 1, or 1 for each relay that kept silent; so do having to refute, a void probe and a stall. After S clean
 * probes it is 0. Lifeguard §IV-A, decisions 8.
 */
export class LocalHealthCauses implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #max: number;
  readonly #counts: MemberCount<SwimMessage>;
  readonly #observers = new PerNode<SwimMessage, Observer>(() => ({
    score: 0,
    doubtedAtMs: Number.NEGATIVE_INFINITY,
    asked: new Map(),
    requests: new Map(),
  }));
  /** What this input adds, in order. */
  #changes: number[] = [];

  constructor(options: SwimOptions, counts: MemberCount<SwimMessage>) {
    this.#options = options;
    this.#counts = counts;
    this.#max = options.components.lhaProbe ? options.maxLocalHealth : 0;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  sent(node: WatchedNode<SwimMessage>, _to: Peer, message: SwimMessage): void {
    if (message.type !== 'pingReq' || message.why === 'no-route') return;
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    let asked = observer.asked.get(message.target);
    if (asked === undefined) observer.asked.set(message.target, (asked = { sent: 0, answered: 0 }));
    asked.sent++;
    observer.requests.set(message.seq, asked);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind === 'receive' && input.message.type === 'relayed') {
      const requests = this.#observers.of(node)?.requests;
      const asked = requests?.get(input.message.seq);
      if (asked === undefined) return;
      asked.answered++;
      requests?.delete(input.message.seq);
    } else if (input.kind === 'stalled' && this.#options.components.eventLoopAwareness) this.#doubt(node);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, detail, data }: TraceEvent): void {
    switch (kind) {
      case 'probe-acked':
        this.#changes.push(-1);
        return;
      case 'refuted':
        this.#changes.push(1);
        return;
      case 'probe':
        if (about !== undefined) this.#observers.of(node)?.asked.delete(about);
        return;
      case 'probe-failed':
        this.#failed(node, about, data);
        return;
      case 'probe-void':
        if (detail === 'late') this.#doubt(node);
        else this.#changes.push(1);
        return;
      case 'round':
        // Nobody is there to speak against it.
        if (this.#counts.at(node) === 1) this.#changes.push(-1);
    }
  }

  afterInput(node: WatchedNode<SwimMessage>): void {
    const { localHealth } = node.protocol;
    const observer = this.#observers.of(node);
    const changes = this.#changes;
    if (observer === undefined || node.protocol.local.state === 'left') {
      if (changes.length > 0) this.#changes = [];
      return;
    }
    if (changes.length === 0 && localHealth === observer.score) return;
    this.#changes = [];
    if (!(localHealth >= 0 && localHealth <= this.#max) || !Number.isInteger(localHealth))
      violated(12, node, `has local health ${localHealth}, outside of 0 to ${this.#max}`);
    let wanted = observer.score;
    for (const change of changes) wanted = Math.min(this.#max, Math.max(0, wanted + change));
    if (localHealth !== wanted) {
      const causes = changes.length === 0 ? 'without a cause' : `for ${changes.join(', ')}`;
      violated(12, node, `took its local health from ${observer.score} to ${localHealth} ${causes}`);
    }
    observer.score = localHealth;
  }

  /** A relay that keeps silent speaks against the asker; a target that relays could not reach either does not. */
  #failed(node: WatchedNode<SwimMessage>, about: NodeId | undefined, data: TraceEvent['data']): void {
    const { relays = Number.NaN, silentRelays = Number.NaN } = data ?? {};
    this.#changes.push(relays === 0 ? 1 : silentRelays);
    const observer = this.#observers.of(node);
    if (observer === undefined || about === undefined) return;
    // Those that were lost meanwhile do not count, whether they had answered or not.
    const { sent, answered } = observer.asked.get(about) ?? { sent: 0, answered: 0 };
    if (silentRelays >= relays - answered && silentRelays <= sent - answered) return;
    violated(12, node, `counts ${silentRelays} of ${relays} relays silent, ${answered} of ${sent} answered`);
  }

  #doubt(node: WatchedNode<SwimMessage>): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    const nowMs = node.protocolNowMs;
    if (nowMs - observer.doubtedAtMs < this.#options.probeIntervalMs - ROUNDING_MS) return;
    observer.doubtedAtMs = nowMs;
    this.#changes.push(1);
  }
}
