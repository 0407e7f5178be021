import { formatAddress, type Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { Destination } from '../transport.js';
import { Inbox } from './inbox.js';
import { Peer, type PeerOwner } from './peer.js';

/** The peers of an endpoint, by id; those of whom only an address is known, by that. */
export class Peers {
  readonly #byId = new Map<NodeId, Peer>();
  readonly #nameless = new Map<string, Peer>();
  /** Who answered last at an address that was dialled without an id. */
  readonly #answered = new Map<string, Peer>();

  /** Those that have a payload link and no credit, the oldest first. */
  readonly #strangers = new Set<Peer>();
  /** Those whose incoming session is kept although they count as lost, the oldest first. */
  readonly #lost = new Set<Peer>();
  /** What is still held of peers that are not kept themselves. */
  readonly #inboxes = new Map<NodeId, Inbox>();

  constructor(readonly owner: PeerOwner) {}

  /** Those of whom anything is kept. */
  get size(): number {
    return this.#byId.size + this.#nameless.size + this.#inboxes.size;
  }

  get(id: NodeId): Peer | undefined {
    return this.#byId.get(id);
  }

  /** The peer that is meant; made if it is not known. */
  of(destination: Destination): Peer {
    const { id, address } = destination;
    if (id === undefined) return this.#at(address);
    let peer = this.#byId.get(id);
    if (peer === undefined) {
      peer = new Peer(this.owner, id, address);
      this.#add(peer, id);
    } else {
      peer.address = address;
    }
    return peer;
  }

  /** A nameless peer has said who it is. Whatever waits for it goes to the peer of that id. */
  identified(peer: Peer, id: NodeId, address: Address): Peer {
    if (peer.id !== undefined) return peer;
    const key = formatAddress(peer.address);
    if (this.#nameless.get(key) === peer) this.#nameless.delete(key);
    const known = this.#byId.get(id);
    this.#answered.set(key, known ?? peer);
    if (known === undefined) {
      peer.id = id;
      peer.address = address;
      this.#add(peer, id);
      return peer;
    }
    known.casts.push(...peer.casts.splice(0));
    known.out.adopt(peer.out);
    return known;
  }

  /** @returns a peer that has to go, where too many have no credit */
  stranger(peer: Peer): Peer | undefined {
    this.#strangers.add(peer);
    for (const oldest of this.#strangers) {
      if (this.#strangers.size <= this.owner.receiver.limits.ungrantedPeers) return undefined;
      this.#strangers.delete(oldest);
      if (oldest.stranger) return oldest;
    }
    return undefined;
  }

  /** @returns a peer whose session is kept no longer, where there are too many */
  lost(peer: Peer): Peer | undefined {
    this.#lost.delete(peer);
    if (this.#lost.add(peer).size <= this.owner.receiver.limits.lostSessions) return undefined;
    const [oldest] = this.#lost;
    this.#lost.delete(oldest!);
    if (oldest!.incoming !== undefined) oldest!.incoming.kept = false;
    return oldest;
  }

  granted(peer: Peer): void {
    this.#strangers.delete(peer);
    this.#lost.delete(peer);
  }

  delete(peer: Peer): void {
    this.granted(peer);
    if (peer.id !== undefined && this.#byId.get(peer.id) === peer) {
      this.#byId.delete(peer.id);
      this.#keepInbox(peer);
    }
    for (const index of [this.#nameless, this.#answered]) {
      for (const [key, other] of index) if (other === peer) index.delete(key);
    }
  }

  all(): Peer[] {
    return [...this.#byId.values(), ...this.#nameless.values()];
  }

  clear(): void {
    this.#byId.clear();
    this.#nameless.clear();
    this.#answered.clear();
    this.#strangers.clear();
    this.#lost.clear();
    this.#inboxes.clear();
  }

  /** A new peer goes on with what is still held of the one before. */
  #add(peer: Peer, id: NodeId): void {
    this.#byId.set(id, peer);
    peer.inbox = this.#inboxes.get(id) ?? new Inbox(id);
    peer.inbox.emptied = undefined;
    this.#inboxes.delete(id);
  }

  #keepInbox({ inbox }: Peer): void {
    if (inbox === undefined || inbox.held === 0) return;
    this.#inboxes.set(inbox.from, inbox);
    inbox.emptied = () => void this.#inboxes.delete(inbox.from);
  }

  #at(address: Address): Peer {
    const key = formatAddress(address);
    const answered = this.#answered.get(key);
    if (answered?.protocol.link !== undefined || answered?.payload.link !== undefined) return answered;
    let peer = this.#nameless.get(key);
    if (peer === undefined) {
      peer = new Peer(this.owner, undefined, address);
      this.#nameless.set(key, peer);
    }
    return peer;
  }
}
