import type { NodeId } from '../../node-id.js';
import type { Random } from '../random.js';
import type { LinkEnd } from './link-end.js';

/** Links that are looked at for one to close: as many as a real node looks at. */
const CANDIDATES = 16;

/** The kept links of one process, at most one to each peer. */
export class LinkPool<M> {
  readonly #byPeer = new Map<NodeId, LinkEnd<M>>();
  readonly #all: LinkEnd<M>[] = [];
  /** When each of them was used last: beside each other, since whoever looks for an idle one looks at many. */
  readonly #usedAtMs: number[] = [];

  get size(): number {
    return this.#all.length;
  }

  get(id: NodeId): LinkEnd<M> | undefined {
    return this.#byPeer.get(id);
  }

  /** The link to whoever is at this host. */
  at(host: string): LinkEnd<M> | undefined {
    return this.#all.find((end) => end.other.owner.host === host);
  }

  /** The peer must not have another link here. */
  add(end: LinkEnd<M>, nowMs: number): void {
    end.poolIndex = this.#all.push(end) - 1;
    this.#usedAtMs.push(nowMs);
    this.#byPeer.set(end.peerId, end);
  }

  delete(end: LinkEnd<M>): void {
    const index = end.poolIndex;
    if (index < 0) return;
    const last = this.#all.pop()!;
    const lastUsedAtMs = this.#usedAtMs.pop()!;
    if (last !== end) {
      this.#all[index] = last;
      this.#usedAtMs[index] = lastUsedAtMs;
      last.poolIndex = index;
    }
    end.poolIndex = -1;
    this.#byPeer.delete(end.peerId);
  }

  /** Something went over the link, either way. */
  used(end: LinkEnd<M>, nowMs: number): void {
    if (end.poolIndex >= 0) this.#usedAtMs[end.poolIndex] = nowMs;
  }

  /** A random link to close: of a few, the one that was idle for longest, as decisions 5 says. */
  idle(newest: LinkEnd<M>, random: Random): LinkEnd<M> | undefined {
    let idlest = -1;
    for (let tries = 0; tries < CANDIDATES; tries++) {
      const index = random.int(this.#all.length);
      if (index === newest.poolIndex) continue;
      if (idlest < 0 || this.#usedAtMs[index]! < this.#usedAtMs[idlest]!) idlest = index;
    }
    return this.#all[idlest];
  }

  /** As they are now; what happens to the pool meanwhile changes nothing. */
  all(): readonly LinkEnd<M>[] {
    return [...this.#all];
  }
}
