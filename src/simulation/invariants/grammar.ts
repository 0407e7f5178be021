import type {
  Member,
  MembershipEvent,
  MembershipEventType,
  MemberState,
} from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { Check, WatchedNode } from './check.js';
import { INPUTS_PER_SWEEP } from './lattice.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** Views up to this size are compared at every event, larger ones proportionally less often. */
const VIEW_PER_EVENT = 32;

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

const STATE_AFTER: Readonly<Record<MembershipEventType, MemberState>> = {
  joined: 'alive',
  updated: 'alive',
  suspected: 'suspect',
  recovered: 'alive',
  unreachable: 'unreachable',
  left: 'left',
};

interface Observer {
  readonly events: Map<NodeId, { readonly type: MembershipEventType; readonly isSuspect: boolean }>;
  /** The view that follows from the events. */
  readonly folded: Map<NodeId, Member>;
  count: number;
  inputs: number;
  nextSweepAt: number;
}

/**
 * Rule 13: events per id follow the grammar of decisions 2, and the view is what the events say.
 *
 * Nothing follows `left` for as long as the observer remembers it: a tombstone that was reaped, or given up by a node that
 * starts over, cannot keep old news away.
 */
export class Grammar<M> implements Check<M> {
  readonly #observers = new PerNode<M, Observer>(({ protocol: { local } }) => ({
    events: new Map(),
    folded: new Map([[local.id, local]]),
    count: 0,
    inputs: 0,
    nextSweepAt: 1,
  }));

  started(node: WatchedNode<M>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<M>): void {
    this.#observers.forget(node);
  }

  event(node: WatchedNode<M>, event: MembershipEvent): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    checkOrder(node, observer, event);
    const { folded } = observer;
    if (event.member.isActive) folded.set(event.member.id, event.member);
    else folded.delete(event.member.id);
    if (observer.count++ % Math.ceil(folded.size / VIEW_PER_EVENT) === 0) {
      checkFold(node, observer, event.view, 'the view of its event');
    }
  }

  traced(node: WatchedNode<M>, { kind, about }: TraceEvent): void {
    if (kind !== 'reaped' && kind !== 'slept') return;
    const events = this.#observers.of(node)?.events;
    if (kind === 'slept') {
      for (const [id, { type }] of events ?? []) if (type === 'left') events?.delete(id);
    } else if (about !== undefined && events?.get(about)?.type === 'left') events.delete(about);
  }

  afterInput(node: WatchedNode<M>): void {
    const observer = this.#observers.of(node);
    if (observer === undefined || ++observer.inputs < observer.nextSweepAt) return;
    observer.nextSweepAt = observer.inputs + Math.max(INPUTS_PER_SWEEP, observer.folded.size);
    checkFold(node, observer, node.protocol.view.members, 'its view');
  }

  finish(): void {
    for (const [node, observer] of this.#observers.entries()) {
      checkFold(node, observer, node.protocol.view.members, 'its view');
    }
  }
}

function checkOrder<M>(
  node: WatchedNode<M>,
  observer: Observer,
  { type, member, previous }: MembershipEvent,
): void {
  const last = observer.events.get(member.id);
  // A node is in its own view from the start, without an event.
  const before = last?.type ?? (member.id === node.id ? 'joined' : 'none');
  const wasSuspect = last?.isSuspect ?? false;
  const fits =
    GRAMMAR[before].includes(type) &&
    (type !== 'suspected' || !wasSuspect) &&
    (type !== 'recovered' || wasSuspect);
  if (!fits) violated(13, node, `emitted ${type} about ${member.name} after ${last?.type ?? 'nothing'}`);
  if (type === 'updated' && previous !== undefined && member.incarnation < previous.incarnation) {
    violated(13, node, `emitted an update of ${member.name} with an older incarnation`);
  }
  const isSuspect = type === 'suspected' || (type === 'updated' && wasSuspect);
  observer.events.set(member.id, { type, isSuspect });
  const isUpdatedSuspect = type === 'updated' && isSuspect && member.state === 'suspect';
  if (member.state !== STATE_AFTER[type] && !isUpdatedSuspect) {
    violated(13, node, `emitted ${type} about ${member.name} with state ${member.state}`);
  }
}

function checkFold<M>(
  node: WatchedNode<M>,
  { folded }: Observer,
  view: readonly Member[],
  what: string,
): void {
  // What a node tells of itself changes without an event.
  const { local } = node.protocol;
  if (local.isActive) folded.set(local.id, local);
  else folded.delete(local.id);
  let previousId = '';
  for (const { id, name, state } of view) {
    if (id <= previousId) violated(13, node, `${what} is not sorted`);
    previousId = id;
    const told = folded.get(id);
    if (told === undefined) violated(13, node, `${what} holds ${name}, about whom no event told`);
    if (told.state !== state)
      violated(13, node, `${what} holds ${name} ${state}, its events say ${told.state}`);
  }
  // Same size and no stranger: the same ids.
  if (view.length !== folded.size) {
    violated(13, node, `${what} has ${view.length} members, its events tell of ${folded.size}`);
  }
}
