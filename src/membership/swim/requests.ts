import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import type { Entry } from './entry.js';
import type { PingReqReason, RelayOutcome } from './messages.js';
import type { Parts } from './parts.js';
import type { Probe } from './prober.js';

/** One relay that was asked to probe a member. */
export interface Request {
  readonly seq: number;
  readonly probe: Probe;
  readonly relay: Entry;
  readonly why: PingReqReason;
  /** Its latest word; a `silent` may be followed by an `ack`. */
  outcome: RelayOutcome | undefined;
  /** Nothing more can be expected of it, and it has not seen a refusal: it no longer counts, for or against. */
  isLost: boolean;
}

/** Finds relays for probes, and others in their place when they are lost themselves. SWIM §3.1, ADR 10. */
export class Requests {
  readonly #parts: Parts;
  /** By their numbers: relays answer with them. */
  readonly #open = new Map<number, Request>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Asks up to `count` relays that this probe has not asked for the same reason. */
  ask(probe: Probe, count: number, why: PingReqReason): void {
    const relays = this.#pick(probe, count, why);
    this.#parts.count('pingReqs', relays.length);
    const { id, address, incarnation } = probe.entry.member;
    for (const relay of relays) {
      const seq = this.#parts.nextNumber();
      const request: Request = { seq, probe, relay, why, outcome: undefined, isLost: false };
      this.#open.set(seq, request);
      probe.requests.push(request);
      const message = { type: 'pingReq', seq, target: id, address, incarnation, why } as const;
      this.#parts.send(relay.member, message, { token: seq });
    }
  }

  /** A relay's word on what it was asked. Undefined when nobody waits for it any more. */
  answered(from: KnownPeer, seq: number, outcome: RelayOutcome): Request | undefined {
    const request = this.#open.get(seq);
    if (request === undefined || request.relay.member.id !== from.id) return undefined;
    request.outcome = outcome;
    return request;
  }

  /** A request was not handed over: its relay cannot be reached. */
  unsent(token: number): void {
    const request = this.#open.get(token);
    if (request !== undefined) this.#lose(request);
  }

  /** A member cannot be a relay any more: its link has ended, its port refuses, somebody doubts it. */
  lost(entry: Entry): void {
    for (const request of [...this.#open.values()]) if (request.relay === entry) this.#lose(request);
  }

  /** A member can be a relay again: it may be the one that somebody lacks. */
  regained(): void {
    for (const probe of [...this.#parts.prober.running.values()]) {
      if (probe.refusedAtMs !== undefined) this.witness(probe);
    }
  }

  /** Asks as many relays to witness a refusal as are lacking. */
  witness(probe: Probe): void {
    const { quorumRelays } = this.#parts.options;
    this.ask(probe, quorumRelays - probe.witnessesAsked, 'refused');
  }

  /** Nobody waits for this probe's relays any more. */
  end(probe: Probe): void {
    for (const { seq } of probe.requests) this.#open.delete(seq);
  }

  #lose(request: Request): void {
    const { probe, outcome } = request;
    if (request.isLost || outcome === 'refused' || outcome === 'replaced') return;
    request.isLost = true;
    if (probe.refusedAtMs === undefined) return;
    this.witness(probe);
    this.#parts.evidence.evaluate(probe);
  }

  /** Those on other hosts first: a fault of this host is then no quorum. Then those with an open link. */
  #pick(probe: Probe, count: number, why: PingReqReason): Entry[] {
    const { table, self, options } = this.#parts;
    const taken = new Set<Entry>([probe.entry]);
    for (const request of probe.requests) if (request.why === why) taken.add(request.relay);
    const { host } = self.address;
    // Without hard evidence nothing speaks for one more than for another: any k, as in SWIM.
    const tiers: ((entry: Entry) => boolean)[] = options.components.hardEvidence
      ? [
          (entry) => entry.mayRelay && entry.linked && entry.member.address.host !== host,
          (entry) => entry.mayRelay && entry.member.address.host !== host,
          (entry) => entry.mayRelay && entry.linked,
          (entry) => entry.mayRelay,
        ]
      : [];
    // A lost link is no reason to ask nobody; but such a relay must not make a quorum smaller than it is.
    if (why === 'silent') tiers.push((entry) => entry.member.state === 'alive');
    // One that was never met is a relay at best, and nobody at worst.
    if (table.isFlooded)
      for (const fits of tiers.splice(0)) tiers.push((entry) => entry.isMet && fits(entry), fits);
    const relays: Entry[] = [];
    for (const fits of tiers) {
      if (relays.length >= count) break;
      for (const entry of table.pick(count - relays.length, (other) => !taken.has(other) && fits(other))) {
        taken.add(entry);
        relays.push(entry);
      }
    }
    return relays;
  }
}

/** The relays that were refused too, each once. */
export function refusalsOf(probe: Probe): readonly NodeId[] {
  const refusals = new Set<NodeId>();
  for (const { outcome, relay } of probe.requests)
    if (outcome === 'refused' || outcome === 'replaced') refusals.add(relay.member.id);
  return [...refusals];
}
