import type { Member } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';

/** Patterns whose turns are remembered; those of the one that began first make room. */
const MAX_PATTERNS = 1024;

/**
 * Whose turn it is: for each pattern the member that was asked longest ago. So the turns are fair whichever members a
 * call leaves the choice of, and requests of several patterns do not fall into step.
 */
export class Rotation {
  /** For each pattern, when a member was last asked. */
  readonly #asked = new Map<string, Map<NodeId, number>>();
  #turn = 0;

  /** The one of these whose turn it is; undefined when there is none. */
  next(pattern: string, members: readonly Member[]): Member | undefined {
    const asked = this.#of(pattern);
    let chosen: Member | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const member of members) {
      const turn = asked.get(member.id) ?? 0;
      if (turn >= earliest) continue;
      chosen = member;
      earliest = turn;
    }
    if (chosen !== undefined) asked.set(chosen.id, ++this.#turn);
    return chosen;
  }

  /** A member is gone. */
  forget(id: NodeId): void {
    for (const asked of this.#asked.values()) asked.delete(id);
  }

  #of(pattern: string): Map<NodeId, number> {
    const known = this.#asked.get(pattern);
    if (known !== undefined) return known;
    if (this.#asked.size >= MAX_PATTERNS) this.#asked.delete(this.#asked.keys().next().value!);
    const fresh = new Map<NodeId, number>();
    this.#asked.set(pattern, fresh);
    return fresh;
  }
}
