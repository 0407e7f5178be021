import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import type { Ack, DialRequest, PingReq, RelayOutcome, Update } from './messages.js';
import type { Parts } from './parts.js';
import type { PingOwner, SentPing } from './pings.js';

/** A probe on behalf of another. */
export class Relay implements PingOwner {
  readonly #relays: Relays;
  readonly asker: KnownPeer;
  readonly request: PingReq;
  readonly pings: SentPing[] = [];
  /** Whether a link to the target was there: then its silence has to be waited for, whatever a new dial says. */
  readonly wasLinked: boolean;
  outcome: RelayOutcome = 'silent';
  by: NodeId | undefined = undefined;
  answered = false;
  token = 0;

  constructor(relays: Relays, asker: KnownPeer, request: PingReq, wasLinked: boolean) {
    this.#relays = relays;
    this.asker = asker;
    this.request = request;
    this.wasLinked = wasLinked;
  }

  acked(_ping: SentPing, ack: Ack): void {
    this.#relays.acked(this, ack);
  }
}

/** Probes members for those who ask. SWIM §3.1; the nack is Lifeguard §IV-A; refusals are decisions 3. */
export class Relays {
  readonly #parts: Parts;
  readonly #running = new Set<Relay>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#running.size;
  }

  receive(from: KnownPeer, request: PingReq): void {
    const { options, table, timers, pings, strangers, gossiper } = this.#parts;
    // Its health does not suffer from not being known here yet; its request makes this node dial nobody.
    if (!strangers.admits(from)) return this.#answer(from, request.seq, 'local', undefined, undefined);
    if (request.why === 'no-route') return this.#passOn(from, request);
    if (this.#running.size >= options.maxRelays) {
      this.#parts.count('relaysRefused');
      return this.#answer(from, request.seq, 'local', undefined, undefined);
    }
    const entry = table.get(request.target);
    // It knows better than any dial could tell: a leaver's port refuses like that of the dead.
    if (entry?.member.state === 'left') {
      this.#parts.count('leavesTold');
      gossiper.answer(from, gossiper.held(entry));
      return this.#answer(from, request.seq, 'local', undefined, undefined);
    }
    const target =
      entry?.member.isActive === true ? entry.member : { id: request.target, address: request.address };
    const relay = new Relay(this, from, request, entry?.linked === true);
    this.#running.add(relay);
    this.#parts.count('relays');
    relay.token = timers.after(options.probeTimeoutMs * options.nackShare, 'relay-nack', relay);
    const hard = request.why !== 'silent';
    const accusation = hard ? accusationOf(from, request) : undefined;
    relay.pings.push(pings.send(target, 'kept', relay, accusation));
    // A firewall refuses new dials while kept links go on: both are tried (decisions 3).
    if (hard && relay.wasLinked) relay.pings.push(pings.send(target, 'verify', relay, accusation));
  }

  /** A node that cannot dial this one asks to be dialled. */
  dial(request: DialRequest): void {
    const { pings, table } = this.#parts;
    const entry = table.get(request.id);
    if (entry?.member.isActive !== true) return;
    this.#parts.count('dialRequests');
    pings.send(entry.member, 'fresh', undefined);
  }

  acked(relay: Relay, ack: Ack): void {
    this.#answer(relay.asker, relay.request.seq, 'ack', undefined, ack.incarnation);
    this.#end(relay);
  }

  /** Four fifths of the probe timeout have passed: the asker hears what there is. A later ack still counts. */
  nack(relay: Relay): void {
    if (!relay.answered) this.#report(relay);
    if (relay.outcome !== 'silent') return this.#end(relay);
    relay.token = this.#parts.timers.after(this.#parts.options.probeIntervalMs, 'relay-end', relay);
  }

  ended(relay: Relay): void {
    this.#end(relay);
  }

  /** A dial of ours to the target failed so that it means something. True if somebody had asked. */
  saw(target: NodeId, outcome: 'refused' | 'replaced' | 'local', by: NodeId | undefined): boolean {
    let asked = false;
    for (const relay of this.#running) {
      if (relay.request.target !== target) continue;
      asked = true;
      if (relay.answered) continue;
      relay.outcome = outcome;
      relay.by = by;
      if (outcome === 'refused' && relay.wasLinked) continue;
      this.#report(relay);
      this.#end(relay);
    }
    return asked;
  }

  /** The established link to a target has ended: a refusal seen beside it counts now. */
  unlinked(target: NodeId): void {
    for (const relay of this.#running) {
      if (relay.request.target !== target || relay.outcome !== 'refused' || relay.answered) continue;
      this.#report(relay);
      this.#end(relay);
    }
  }

  clear(): void {
    this.#running.clear();
  }

  #passOn(from: KnownPeer, request: PingReq): void {
    const target = this.#parts.table.get(request.target);
    if (target?.member.isActive !== true) return;
    this.#parts.send(target.member, { type: 'dialRequest', id: from.id, address: from.address });
  }

  #report(relay: Relay): void {
    relay.answered = true;
    // A firewall may refuse where a link is still open; the kernel of a dead process would have closed it.
    const stillLinked = this.#parts.table.get(relay.request.target)?.linked === true;
    if (relay.outcome === 'refused' && stillLinked) relay.outcome = 'silent';
    this.#answer(relay.asker, relay.request.seq, relay.outcome, relay.by, undefined);
  }

  #answer(
    asker: KnownPeer,
    seq: number,
    outcome: RelayOutcome,
    by: NodeId | undefined,
    incarnation: number | undefined,
  ): void {
    this.#parts.send(asker, { type: 'relayed', seq, outcome, by, incarnation });
  }

  #end(relay: Relay): void {
    this.#running.delete(relay);
    this.#parts.timers.cancel(relay.token);
    for (const ping of relay.pings) this.#parts.pings.forget(ping);
  }
}

/** What the asker is about to say of the target, so that it can refute before it is said. */
function accusationOf(asker: KnownPeer, request: PingReq): Update {
  return {
    type: 'suspect',
    id: request.target,
    incarnation: request.incarnation,
    accuser: asker.id,
    kind: 'hard',
  };
}
