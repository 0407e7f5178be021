import type { MembershipEventType, MemberState } from '../membership.js';

/**
 * The legal transitions of a member as one observer sees it: what is held, what is claimed, how the claim's incarnation
 * compares, what it becomes. docs/PROTOCOL.md prints this table, and a test plays every row.
 *
 * The merge is the lattice of decisions 2: `left` is top, otherwise the larger (incarnation, alive < suspect <
 * unreachable) wins. Rows marked `contact` happen only when the owner itself says so on its own link; before that the
 * claim is hearsay about a tombstone, and the owner is asked.
 */
export interface Transition {
  readonly held: MemberState | 'unknown';
  readonly claim: MemberState;
  /** The claim's incarnation against the held one; `any` where it does not matter. */
  readonly incarnation: 'lower' | 'equal' | 'higher' | 'any';
  readonly becomes: MemberState | 'unknown';
  /** `updated?`: only when the facts (name, address, metadata, health) differ. */
  readonly event: MembershipEventType | 'updated?' | undefined;
  readonly needs?: 'contact';
}

type Row = readonly [
  Transition['held'],
  Transition['claim'],
  Transition['incarnation'],
  Transition['becomes'],
  Transition['event']?,
  Transition['needs']?,
];

const rows: readonly Row[] = [
  ['unknown', 'alive', 'any', 'alive', 'joined'],
  ['unknown', 'suspect', 'any', 'unknown'],
  ['unknown', 'unreachable', 'any', 'unknown'],
  ['unknown', 'left', 'any', 'unknown'],

  ['alive', 'alive', 'lower', 'alive'],
  ['alive', 'alive', 'equal', 'alive'],
  ['alive', 'alive', 'higher', 'alive', 'updated?'],
  ['alive', 'suspect', 'lower', 'alive'],
  ['alive', 'suspect', 'equal', 'suspect', 'suspected'],
  ['alive', 'suspect', 'higher', 'suspect', 'suspected'],
  ['alive', 'unreachable', 'lower', 'alive'],
  ['alive', 'unreachable', 'equal', 'unreachable', 'unreachable'],
  ['alive', 'unreachable', 'higher', 'unreachable', 'unreachable'],
  ['alive', 'left', 'any', 'left', 'left'],

  ['suspect', 'alive', 'lower', 'suspect'],
  ['suspect', 'alive', 'equal', 'suspect', 'updated?'],
  ['suspect', 'alive', 'higher', 'alive', 'recovered'],
  ['suspect', 'suspect', 'lower', 'suspect'],
  ['suspect', 'suspect', 'equal', 'suspect'],
  ['suspect', 'suspect', 'higher', 'suspect'],
  ['suspect', 'unreachable', 'lower', 'suspect'],
  ['suspect', 'unreachable', 'equal', 'unreachable', 'unreachable'],
  ['suspect', 'unreachable', 'higher', 'unreachable', 'unreachable'],
  ['suspect', 'left', 'any', 'left', 'left'],

  ['unreachable', 'alive', 'lower', 'unreachable'],
  ['unreachable', 'alive', 'equal', 'unreachable'],
  ['unreachable', 'alive', 'higher', 'alive', 'joined', 'contact'],
  ['unreachable', 'suspect', 'lower', 'unreachable'],
  ['unreachable', 'suspect', 'equal', 'unreachable'],
  ['unreachable', 'suspect', 'higher', 'unreachable'],
  ['unreachable', 'unreachable', 'lower', 'unreachable'],
  ['unreachable', 'unreachable', 'equal', 'unreachable'],
  ['unreachable', 'unreachable', 'higher', 'unreachable'],
  ['unreachable', 'left', 'any', 'left'],

  ['left', 'alive', 'any', 'left'],
  ['left', 'suspect', 'any', 'left'],
  ['left', 'unreachable', 'any', 'left'],
  ['left', 'left', 'any', 'left'],
];

/** Every legal transition, one row each. */
export const transitions: readonly Transition[] = rows.map(
  ([held, claim, incarnation, becomes, event, needs]) => ({
    held,
    claim,
    incarnation,
    becomes,
    event,
    ...(needs === undefined ? {} : { needs }),
  }),
);

const ranks = { alive: 0, suspect: 1, unreachable: 2, left: 3 } as const;

/** Whether a claim is above what is held, in the lattice: only then does it change anything. */
export function supersedes(
  claim: { readonly state: MemberState; readonly incarnation: number },
  held: { readonly state: MemberState; readonly incarnation: number },
): boolean {
  if (held.state === 'left') return false;
  if (claim.state === 'left') return true;
  if (claim.incarnation !== held.incarnation) return claim.incarnation > held.incarnation;
  return ranks[claim.state] > ranks[held.state];
}
