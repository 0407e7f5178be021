import type { MembershipEvent } from '../../membership/membership.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import { shortestSuspicionMs } from './bounds.js';
import type { Check, Input, WatchedNode } from './check.js';
import { updatesOf } from './claims.js';
import { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** Sums of times round. */
const ROUNDING_MS = 0.01;

/** A suspicion as this check saw it begin. */
interface Running {
  readonly sinceMs: number;
  /** The least n since then: Min is taken from it. */
  least: number;
}

/** Traces that the rule needs. */
const RELEVANT = new Set(['suspected', 'relayed', 'replaced', 'hard-quorum', 'hard-contradicted', 'slept']);

interface Observer {
  readonly suspicions: Map<NodeId, Running>;
  /** When hard evidence was recorded: a quorum, or another process in its place. */
  readonly quorums: Map<NodeId, number>;
  /** Who has told this node of a refusal of its own. */
  readonly refused: Map<NodeId, Set<NodeId>>;
  /** Who became unreachable in this input. */
  readonly verdicts: Set<NodeId>;
  hasSlept: boolean;
}

/**
 * Rule 10: unreachable needs, at its originator, a suspicion of at least Min, or a recorded quorum of hard evidence and
 * at least the hard deadline, one probe timeout. Whoever is not the originator has been told by one.
 */
export class Verdicts implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #counts = new MemberCount<SwimMessage>();
  readonly #observers = new PerNode<SwimMessage, Observer>(() => ({
    suspicions: new Map(),
    quorums: new Map(),
    refused: new Map(),
    verdicts: new Set(),
    hasSlept: false,
  }));

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
    this.#counts.ended(node);
  }

  traced(node: WatchedNode<SwimMessage>, trace: TraceEvent): void {
    const observer = RELEVANT.has(trace.kind) ? this.#observers.of(node) : undefined;
    if (observer === undefined) return;
    const { kind, about, by, detail } = trace;
    if (kind === 'slept') observer.hasSlept = true;
    if (about === undefined) return;
    const sinceMs = node.protocolNowMs;
    switch (kind) {
      case 'suspected':
        observer.suspicions.set(about, { sinceMs, least: this.#counts.at(node) });
        return;
      case 'relayed':
        if (by === undefined || (detail !== 'refused' && detail !== 'replaced')) return;
        observer.refused.set(about, (observer.refused.get(about) ?? new Set()).add(by));
        return;
      case 'replaced':
        observer.quorums.set(about, sinceMs);
        return;
      case 'hard-quorum':
        this.#lookAtQuorum(node, observer, about, trace.data);
        observer.quorums.set(about, sinceMs);
        return;
      case 'hard-contradicted':
        observer.quorums.delete(about);
        return;
    }
  }

  event(node: WatchedNode<SwimMessage>, event: MembershipEvent): void {
    this.#counts.event(node, event);
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    const { type, member } = event;
    const n = this.#counts.at(node);
    if (type === 'suspected') observer.suspicions.set(member.id, { sinceMs: node.protocolNowMs, least: n });
    else if (type === 'unreachable') observer.verdicts.add(member.id);
    else if (type === 'left' || type === 'recovered' || type === 'joined') end(observer, member.id);
    if (type !== 'unreachable' && type !== 'left') return;
    for (const running of observer.suspicions.values()) running.least = Math.min(running.least, n);
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    const observer = this.#observers.of(node);
    if (observer === undefined || (observer.verdicts.size === 0 && !observer.hasSlept)) return;
    for (const id of observer.verdicts) {
      if (!observer.hasSlept && !wasTold(input, id)) this.#judge(node, observer, id, input);
      end(observer, id);
    }
    observer.verdicts.clear();
    observer.hasSlept = false;
  }

  /** No relay may be counted that has not said so. Decisions 3. */
  #lookAtQuorum(
    node: WatchedNode<SwimMessage>,
    observer: Observer,
    id: NodeId,
    data: TraceEvent['data'],
  ): void {
    const said = observer.refused.get(id)?.size ?? 0;
    const { witnesses = said, asked = said } = data ?? {};
    const needed = Math.max(1, Math.min(this.#options.quorumRefusals, asked));
    if (witnesses < needed || witnesses > said) {
      violated(
        10,
        node,
        `recorded a quorum of ${witnesses} of ${asked} relays, ${said} of which were refused`,
      );
    }
  }

  /** A verdict of its own. */
  #judge(node: WatchedNode<SwimMessage>, observer: Observer, id: NodeId, { kind }: Input<SwimMessage>): void {
    const name = node.protocol.member(id)?.name ?? id;
    const nowMs = node.protocolNowMs + ROUNDING_MS;
    const quorum = observer.quorums.get(id);
    // What a page lists as unreachable is suspicious here, no more (decisions 2).
    if (kind === 'receive' && observer.suspicions.has(id))
      violated(10, node, `found ${name} unreachable by a message that gives no verdict`);
    if (quorum !== undefined && nowMs - quorum >= this.#options.probeTimeoutMs) return;
    const suspicion = observer.suspicions.get(id);
    if (suspicion === undefined) violated(10, node, `found ${name} unreachable without having suspected it`);
    const minMs = shortestSuspicionMs(this.#options, suspicion.least);
    const elapsedMs = nowMs - suspicion.sinceMs;
    if (elapsedMs >= minMs) return;
    violated(
      10,
      node,
      `found ${name} unreachable after ${elapsedMs.toFixed(0)} ms of ${minMs.toFixed(0)}` +
        (quorum === undefined ? '' : `, ${(nowMs - quorum).toFixed(0)} ms after its quorum`),
    );
  }
}

function end(observer: Observer, id: NodeId): void {
  observer.suspicions.delete(id);
  observer.quorums.delete(id);
  observer.refused.delete(id);
}

function wasTold(input: Input<SwimMessage>, id: NodeId): boolean {
  if (input.kind !== 'receive') return false;
  return updatesOf(input.message).some((update) => update.type === 'unreachable' && update.id === id);
}
