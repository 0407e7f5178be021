import { Member, type MemberFields } from '../../../src/membership/membership.js';
import { View } from '../../../src/membership/view.js';
import type { NodeId } from '../../../src/node-id.js';
import type { WatchedNode } from '../../../src/simulation/invariants/check.js';

/** A member called by one letter, alive at incarnation 5. */
export function member(name: string, changes: Partial<MemberFields> = {}): Member {
  return Member.of({
    id: name.charCodeAt(0).toString(16).padStart(32, '0') as NodeId,
    name,
    address: { host: '10.0.0.1', port: 1 },
    state: 'alive',
    incarnation: 5,
    metadata: {},
    health: 'ok',
    startedAtMs: 0,
    minVersion: 1,
    maxVersion: 1,
    ...changes,
  });
}

/** A process whose protocol shows whatever a test wants. */
export class FakeNode implements WatchedNode<never> {
  local: Member;
  view: View;
  localHealth = 0;
  isRunning = true;
  isFrozen = false;
  protocolNowMs = 0;
  readonly remembered = new Map<NodeId, Member>();

  constructor(readonly name: string) {
    this.local = member(name);
    this.view = View.empty.put(this.local);
    this.remembered.set(this.local.id, this.local);
  }

  get id(): NodeId {
    return this.local.id;
  }

  get self(): WatchedNode<never>['self'] {
    return this.local;
  }

  /** Only what checks look at. */
  get protocol(): WatchedNode<never>['protocol'] {
    return this as unknown as WatchedNode<never>['protocol'];
  }

  member(id: NodeId): Member | undefined {
    return this.remembered.get(id);
  }

  allMembers(): Iterable<Member> {
    return this.remembered.values();
  }

  /** Holds a member so, from now on. */
  hold(held: Member): void {
    this.remembered.set(held.id, held);
    if (held.id === this.local.id) this.local = held;
    this.view = held.isActive ? this.view.put(held) : this.view.without(held.id);
  }
}
