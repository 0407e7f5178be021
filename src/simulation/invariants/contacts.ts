import type { TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import { shortestSuspicionMs } from './bounds.js';
import type { Fault } from '../scenarios/fault.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { Claim } from './claims.js';
import { PerNode } from './per-node.js';

const NEVER = Number.NEGATIVE_INFINITY;
/** n can change within a message, and Min with it: what is this near to it is left open. */
const OPEN_SHARE = 0.2;

/** What one observer has of its own about one member. */
export interface Contact {
  /** When the latest probe began that it surely has answered. */
  askedAtMs: number;
  /** When anything of it came that may be an answer. */
  heardAtMs: number;
  suspectedAtMs: number | undefined;
  /** Its link has ended, and no other was made. */
  isUnlinked: boolean;
}

const NOTHING: Contact = { askedAtMs: NEVER, heardAtMs: NEVER, suspectedAtMs: undefined, isUnlinked: false };

/**
 * Knows who has answered whom, and when: what may speak against a verdict (decisions 3). It checks nothing itself, and
 * stands before those that ask it.
 */
export class Contacts implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #observers = new PerNode<SwimMessage, Map<NodeId, Contact>>(() => new Map());
  /** Two processes have one address: hard evidence about it may be off (decisions 4). */
  #isShared = false;
  /** What is being handled now, or was last. */
  input: Input<SwimMessage> | undefined;

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  fault({ kind }: Fault): void {
    if (kind === 'share-address') this.#isShared = true;
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    this.input = input;
    if (input.kind === 'link') {
      const { about, evidence } = input;
      if (about.id === undefined) return;
      if (evidence === 'up') {
        const contact = this.#observers.of(node)?.get(about.id);
        if (contact !== undefined) contact.isUnlinked = false;
      } else if (evidence === 'closed' || evidence === 'goodbye') {
        const contact = this.#of(node, about.id);
        if (contact !== undefined) contact.isUnlinked = true;
      }
      return;
    }
    if (input.kind !== 'receive' || input.message.type !== 'ack') return;
    const contact = this.#of(node, input.from.id);
    if (contact !== undefined) contact.heardAtMs = node.protocolNowMs;
  }

  /** It closes a link of its own, and hears nothing of that. */
  reset(node: WatchedNode<SwimMessage>, id: NodeId): void {
    const contact = this.#observers.of(node)?.get(id);
    if (contact !== undefined) contact.isUnlinked = true;
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, data }: TraceEvent): void {
    // It has started over.
    if (kind === 'slept') this.#observers.of(node)?.clear();
    if (about === undefined) return;
    switch (kind) {
      case 'probe-acked': {
        const contact = this.#of(node, about);
        if (contact === undefined) return;
        contact.heardAtMs = node.protocolNowMs;
        contact.askedAtMs = node.protocolNowMs - (data?.['elapsedMs'] ?? 0);
        return;
      }
      case 'suspected': {
        const contact = this.#of(node, about);
        if (contact !== undefined) contact.suspectedAtMs = node.protocolNowMs;
        return;
      }
      case 'recovered':
      case 'unreachable':
      case 'left': {
        const contact = this.#observers.of(node)?.get(about);
        if (contact !== undefined) contact.suspectedAtMs = undefined;
        return;
      }
      case 'admitted': {
        const contact = this.#of(node, about);
        if (contact !== undefined) contact.isUnlinked = false;
        return;
      }
      case 'reaped':
        this.#observers.of(node)?.delete(about);
    }
  }

  /** What this observer has had of that member. */
  of(node: WatchedNode<SwimMessage>, id: NodeId): Readonly<Contact> {
    return this.#observers.of(node)?.get(id) ?? NOTHING;
  }

  /**
   * Whether the observer has had an answer since the claimed suspicion began, and so takes the verdict as a suspicion.
   * Where it never heard of that suspicion, it began at least its shortest duration ago. Undefined: it cannot be told from
   * here.
   */
  contradict(node: WatchedNode<SwimMessage>, claim: Claim, n: number): boolean | undefined {
    const contact = this.#observers.of(node)?.get(claim.id);
    if (contact === undefined) return undefined;
    const { askedAtMs, heardAtMs, suspectedAtMs, isUnlinked } = contact;
    const isHard = claim.kind === 'hard';
    const shortestMs = isHard ? this.#options.probeTimeoutMs : shortestSuspicionMs(this.#options, n);
    const openMs = suspectedAtMs === undefined ? OPEN_SHARE * shortestMs : 0;
    const beganMs = suspectedAtMs ?? node.protocolNowMs - shortestMs;
    if (askedAtMs > beganMs + openMs) return true;
    // An open link speaks against hard evidence too.
    const mayKnowMore = isHard && (!isUnlinked || this.#isShared);
    return heardAtMs < beganMs - openMs && !mayKnowMore ? false : undefined;
  }

  #of(node: WatchedNode<SwimMessage>, id: NodeId): Contact | undefined {
    const observer = this.#observers.of(node);
    let contact = observer?.get(id);
    if (observer !== undefined && contact === undefined) {
      contact = { ...NOTHING };
      observer.set(id, contact);
    }
    return contact;
  }
}
