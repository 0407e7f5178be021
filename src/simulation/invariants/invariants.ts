import type {
  Member,
  MembershipEvent,
  MembershipEventType,
  MemberState,
} from '../../membership/membership.js';
import type { MembershipProtocol } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import { SimulationError } from '../simulation-error.js';

/** Between two looks at all that a node remembers lie this many of its inputs; every event is looked at. */
const INPUTS_PER_SWEEP = 64;

const RANKS: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, unreachable: 2, left: 3 };

/** Which event may follow which, per observer and id (decisions 2). `none`: before the first. */
const GRAMMAR: Readonly<Record<MembershipEventType | 'none', readonly MembershipEventType[]>> = {
  none: ['joined'],
  joined: ['updated', 'suspected', 'unreachable', 'left'],
  updated: ['updated', 'suspected', 'recovered', 'unreachable', 'left'],
  suspected: ['updated', 'recovered', 'unreachable', 'left'],
  recovered: ['updated', 'suspected', 'unreachable', 'left'],
  unreachable: ['joined'],
  left: [],
};

/** What one observer has shown so far. */
interface Observer {
  readonly protocol: Pick<MembershipProtocol<unknown>, 'local' | 'view' | 'allMembers'>;
  readonly name: string;
  /** Where it stood with each id at the last look. */
  readonly seen: Map<NodeId, { readonly state: MemberState; readonly incarnation: number }>;
  readonly events: Map<NodeId, { readonly type: MembershipEventType; readonly isSuspect: boolean }>;
  /** The view that follows from the events. */
  readonly folded: Map<NodeId, Member>;
  inputs: number;
}

/**
 * The rules that no run may break, by their numbers in `literature.md`: 2 and 3 (incarnations), 4, 5, 6 (no way back),
 * 9 (self), 13 (events). Always on; a violation throws at the input that caused it.
 */
export class Invariants {
  readonly #observers = new Map<NodeId, Observer>();
  /** The last incarnation of each owner, also after its death. */
  readonly #owned = new Map<NodeId, number>();

  /** From now on this node is watched. It has not emitted anything yet. */
  watch(name: string, protocol: Observer['protocol']): void {
    const { local } = protocol;
    this.#owned.set(local.id, local.incarnation);
    this.#observers.set(local.id, {
      protocol,
      name,
      seen: new Map(),
      events: new Map(),
      folded: new Map([[local.id, local]]),
      inputs: 0,
    });
  }

  /** A node is gone: what it thinks does not count any more; what others think of it does. */
  forget(id: NodeId): void {
    this.#observers.delete(id);
  }

  /** A node emitted an event. */
  event(observerId: NodeId, event: MembershipEvent): void {
    const observer = this.#observers.get(observerId);
    if (observer === undefined) return;
    this.#checkGrammar(observer, event);
    if (event.member.isActive) observer.folded.set(event.member.id, event.member);
    else observer.folded.delete(event.member.id);
    foldSelf(observer);
    this.#checkFold(observer, event.view, 'the view of its event');
  }

  /** A node has dealt with an input. */
  afterInput(observerId: NodeId): void {
    const observer = this.#observers.get(observerId);
    if (observer === undefined) return;
    this.#checkSelf(observer);
    if (observer.inputs++ % INPUTS_PER_SWEEP === 0) this.sweep(observerId);
  }

  /** Looks at all that a node remembers. */
  sweep(observerId: NodeId): void {
    const observer = this.#observers.get(observerId);
    if (observer === undefined) return;
    for (const member of observer.protocol.allMembers()) this.#checkMember(observer, member);
    foldSelf(observer);
    this.#checkFold(observer, observer.protocol.view.members, 'its view');
  }

  #checkSelf(observer: Observer): void {
    const { local } = observer.protocol;
    if (local.state === 'suspect' || local.state === 'unreachable') {
      violated(9, observer, `holds itself ${local.state}`);
    }
    const before = this.#owned.get(local.id)!;
    if (local.incarnation < before)
      violated(2, observer, `took its incarnation from ${before} to ${local.incarnation}`);
    this.#owned.set(local.id, local.incarnation);
  }

  #checkMember(observer: Observer, member: Member): void {
    const { id, state, incarnation } = member;
    const owned = this.#owned.get(id);
    if (owned !== undefined && incarnation > owned && id !== observer.protocol.local.id) {
      violated(3, observer, `knows incarnation ${incarnation} of ${member.name}, whose own is ${owned}`);
    }
    const before = observer.seen.get(id);
    observer.seen.set(id, { state, incarnation });
    if (before === undefined) return;
    if (incarnation < before.incarnation) {
      violated(2, observer, `took ${member.name} from incarnation ${before.incarnation} to ${incarnation}`);
    }
    if (before.state === 'left' && state !== 'left')
      violated(6, observer, `took ${member.name} from left to ${state}`);
    if (incarnation === before.incarnation && RANKS[state] < RANKS[before.state]) {
      const rule = before.state === 'unreachable' ? 5 : 4;
      violated(
        rule,
        observer,
        `took ${member.name} from ${before.state} to ${state} at incarnation ${incarnation}`,
      );
    }
  }

  #checkGrammar(observer: Observer, { type, member, previous }: MembershipEvent): void {
    if (member.id === observer.protocol.local.id && type !== 'updated' && type !== 'left') {
      violated(9, observer, `emitted ${type} about itself`);
    }
    const last = observer.events.get(member.id);
    const isSelf = member.id === observer.protocol.local.id;
    const allowed = isSelf && last === undefined ? GRAMMAR.joined : GRAMMAR[last?.type ?? 'none'];
    const wasSuspect = last?.isSuspect ?? false;
    const inOrder =
      allowed.includes(type) && (type !== 'suspected' || !wasSuspect) && (type !== 'recovered' || wasSuspect);
    if (!inOrder)
      violated(13, observer, `emitted ${type} about ${member.name} after ${last?.type ?? 'nothing'}`);
    if (type === 'updated' && previous !== undefined && member.incarnation < previous.incarnation) {
      violated(13, observer, `emitted an update of ${member.name} with an older incarnation`);
    }
    const isSuspect = type === 'suspected' || (type === 'updated' && wasSuspect);
    observer.events.set(member.id, { type, isSuspect });
    if (
      member.state !== STATE_AFTER[type] &&
      !(type === 'updated' && isSuspect && member.state === 'suspect')
    ) {
      violated(13, observer, `emitted ${type} about ${member.name} with state ${member.state}`);
    }
  }

  #checkFold(observer: Observer, view: readonly Member[], what: string): void {
    const folded = observer.folded;
    for (let at = 1; at < view.length; at++) {
      if (view[at - 1]!.id >= view[at]!.id) violated(13, observer, `${what} is not sorted`);
    }
    for (const member of view) {
      const told = folded.get(member.id);
      if (told === undefined)
        violated(13, observer, `${what} holds ${member.name}, about whom no event told`);
      if (told.state !== member.state) {
        violated(13, observer, `${what} holds ${member.name} ${member.state}, its events say ${told.state}`);
      }
    }
    // Same size and no stranger: the same ids.
    if (view.length !== folded.size) {
      violated(13, observer, `${what} has ${view.length} members, its events tell of ${folded.size}`);
    }
  }
}

/** What a node tells of itself changes without an event. */
function foldSelf({ protocol: { local }, folded }: Observer): void {
  if (local.isActive) folded.set(local.id, local);
  else folded.delete(local.id);
}

const STATE_AFTER: Readonly<Record<MembershipEventType, MemberState>> = {
  joined: 'alive',
  updated: 'alive',
  suspected: 'suspect',
  recovered: 'alive',
  unreachable: 'unreachable',
  left: 'left',
};

function violated(invariant: number, observer: Pick<Observer, 'name'>, what: string): never {
  throw new SimulationError(`Invariant ${invariant} is broken: ${observer.name} ${what}`);
}
