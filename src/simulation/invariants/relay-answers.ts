import type { Peer, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Check, Input, WatchedNode } from './check.js';
import { PerNode } from './per-node.js';
import type { SlowMachines } from './slow-machines.js';
import { violated } from './violation.js';

/** Two timers of a loop that is not slow, each up to 50 ms late. */
const LATE_MS = 100;

/** A request that a relay has still to answer. */
interface Request {
  readonly asker: NodeId;
  readonly seq: number;
  readonly dueMs: number;
}

/**
 * Rule 1, of those who are asked to probe: a relay answers what it was asked when four fifths of the probe timeout are
 * over, at the latest, and says `silent` where it has had no answer. The asker doubts itself otherwise, and detects later.
 * Lifeguard §IV-A.
 */
export class RelayAnswers implements Check<SwimMessage> {
  readonly #withinMs: number;
  readonly #relays = new PerNode<SwimMessage, Request[]>(() => []);
  readonly #slow: SlowMachines<SwimMessage>;

  constructor({ probeTimeoutMs, nackShare }: SwimOptions, slow: SlowMachines<SwimMessage>) {
    this.#slow = slow;
    this.#withinMs = probeTimeoutMs * nackShare + LATE_MS;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#relays.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#relays.forget(node);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind === 'stalled') {
      const requests = this.#relays.of(node);
      if (requests !== undefined) requests.length = 0;
      return;
    }
    if (input.kind !== 'receive' || input.message.type !== 'pingReq') return;
    const { seq, why } = input.message;
    if (why === 'no-route' || node.protocol.local.state === 'left') return;
    const dueMs = node.protocolNowMs + this.#withinMs;
    this.#relays.of(node)?.push({ asker: input.from.id, seq, dueMs });
  }

  sent(node: WatchedNode<SwimMessage>, to: Peer, message: SwimMessage): void {
    if (message.type !== 'relayed') return;
    const requests = this.#relays.of(node);
    if (requests === undefined) return;
    const at = requests.findIndex(({ asker, seq }) => seq === message.seq && asker === to.id);
    if (at < 0) return;
    const [request] = requests.splice(at, 1);
    this.#compare(node, request!);
  }

  /** Whether a request has been forgotten. */
  traced(node: WatchedNode<SwimMessage>, { kind }: TraceEvent): void {
    if (kind !== 'round') return;
    const requests = this.#relays.of(node);
    if (requests === undefined || requests.length === 0) return;
    if (node.protocol.local.state === 'left') requests.length = 0;
    for (const request of requests) this.#compare(node, request);
  }

  #compare(node: WatchedNode<SwimMessage>, { asker, dueMs }: Request): void {
    if (node.protocolNowMs <= dueMs || this.#slow.has(node)) return;
    const name = node.protocol.member(asker)?.name ?? asker;
    violated(1, node, `was asked by ${name} to probe, and has said nothing within ${this.#withinMs} ms`);
  }
}
