import type { MemberState } from '../../membership/membership.js';

/**
 * Which claim about a member takes the place of what is held. Written from SWIM §4.2 and decisions 2, on purpose not from
 * `swim/transitions.ts`, which is what it checks.
 */

/** What is held or claimed of a member. */
export interface Fact {
  readonly state: MemberState;
  readonly incarnation: number;
}

/** How the claim's incarnation has to compare with the held one. */
type Needs = 'higher' | 'equal' | 'any' | 'never';

/**
 * By the claim, then by what is held. A suspicion of the lost is only a hint that they may live, and an owner alone brings
 * itself back: see {@link overriddenBy}.
 */
const NEEDS: Readonly<Record<MemberState, Readonly<Record<MemberState, Needs>>>> = {
  alive: { alive: 'higher', suspect: 'higher', unreachable: 'higher', left: 'never' },
  suspect: { alive: 'equal', suspect: 'higher', unreachable: 'never', left: 'never' },
  unreachable: { alive: 'equal', suspect: 'equal', unreachable: 'higher', left: 'never' },
  left: { alive: 'any', suspect: 'any', unreachable: 'any', left: 'never' },
};

/** What is held of a known member after a claim. `isOwn`: the member says so itself, on its own link. */
export function overriddenBy(held: Fact, claim: Fact, isOwn: boolean): Fact {
  const needs = NEEDS[claim.state][held.state];
  const least = needs === 'higher' ? held.incarnation + 1 : needs === 'equal' ? held.incarnation : 0;
  if (needs === 'never' || claim.incarnation < least) return held;
  // Hearsay about the departed is never announced before contact (decisions 9).
  if (held.state === 'unreachable' && claim.state === 'alive' && !isOwn) return held;
  // `left` is final whatever its incarnation, and no incarnation ever falls.
  return { state: claim.state, incarnation: Math.max(held.incarnation, claim.incarnation) };
}
