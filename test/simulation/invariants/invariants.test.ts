import { describe, it, expect } from '@jest/globals';
import {
  Member,
  MembershipEvent,
  type MemberFields,
  type MembershipEventType,
} from '../../../src/membership/membership.js';
import { View } from '../../../src/membership/view.js';
import type { NodeId } from '../../../src/node-id.js';
import { Invariants } from '../../../src/simulation/invariants/invariants.js';

function member(name: string, changes: Partial<MemberFields> = {}): Member {
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

/** A protocol that shows whatever the test wants: here a bug is planted by hand. */
class Planted {
  local = member('a');
  view = View.empty.put(this.local);
  readonly remembered = new Map<NodeId, Member>([[this.local.id, this.local]]);
  readonly invariants = new Invariants();

  constructor() {
    this.invariants.watch('a', this);
    // The owner of what `a` thinks of `b`: its incarnation is 5.
    const b = member('b');
    this.invariants.watch('b', { local: b, view: View.empty.put(b), allMembers: () => [b] });
  }

  allMembers(): Iterable<Member> {
    return this.remembered.values();
  }

  /** Shows a member without an event, and lets the invariants look. */
  hold(held: Member): void {
    this.remembered.set(held.id, held);
    if (held.id === this.local.id) this.local = held;
    this.view = held.isActive ? this.view.put(held) : this.view.without(held.id);
    this.invariants.afterInput(this.local.id);
    this.invariants.sweep(this.local.id);
  }

  emit(type: MembershipEventType, changed: Member): void {
    this.view = changed.isActive ? this.view.put(changed) : this.view.without(changed.id);
    this.invariants.event(this.local.id, MembershipEvent.of(type, changed, undefined, this.view, 0));
    this.hold(changed);
  }
}

const b = (changes: Partial<MemberFields> = {}) => member('b', changes);
const STATES = {
  joined: 'alive',
  updated: 'alive',
  suspected: 'suspect',
  recovered: 'alive',
  unreachable: 'unreachable',
  left: 'left',
} as const;

/** Plays events about b; the incarnation rises as far as 5, so that nothing but the grammar can be broken. */
function play(...types: readonly MembershipEventType[]): void {
  const planted = new Planted();
  types.forEach((type, index) => {
    const state = type === 'updated' && types[index - 1] === 'suspected' ? 'suspect' : STATES[type];
    planted.emit(type, b({ state, incarnation: index }));
  });
}

describe('the invariants let pass', () => {
  it.each<MembershipEventType[][]>([
    [['joined', 'updated', 'updated', 'left']],
    [['joined', 'suspected', 'updated', 'recovered', 'suspected', 'unreachable']],
    [['joined', 'unreachable', 'joined', 'left']],
    [['joined', 'suspected', 'left']],
  ])('%j', (types) => expect(() => play(...types)).not.toThrow());

  it('left after unreachable without an event', () => {
    const planted = new Planted();
    planted.emit('joined', b());
    planted.emit('unreachable', b({ state: 'unreachable' }));
    expect(() => planted.hold(b({ state: 'left' }))).not.toThrow();
  });
});

describe('the invariants stop', () => {
  it.each<MembershipEventType[][]>([
    [['updated']],
    [['suspected']],
    [['left']],
    [['joined', 'joined']],
    [['joined', 'recovered']],
    [['joined', 'suspected', 'suspected']],
    [['joined', 'suspected', 'updated', 'suspected']],
    [['joined', 'suspected', 'joined']],
    [['joined', 'unreachable', 'recovered']],
    [['joined', 'unreachable', 'left']],
    [['joined', 'left', 'joined']],
    [['joined', 'left', 'unreachable']],
  ])('%j (13)', (types) => expect(() => play(...types)).toThrow(/Invariant 13/));

  it('an event whose member is in another state (13)', () => {
    const planted = new Planted();
    expect(() => planted.emit('joined', b({ state: 'suspect' }))).toThrow(/Invariant 13.*with state suspect/);
  });

  it('a member in the view that no event told of (13)', () => {
    expect(() => new Planted().hold(b())).toThrow(/Invariant 13.*no event told/);
  });

  it('a member that is suspected without an event (13)', () => {
    const planted = new Planted();
    planted.emit('joined', b());
    expect(() => planted.hold(b({ state: 'suspect' }))).toThrow(/Invariant 13.*its events say alive/);
  });

  it('a member that disappears from the view without an event (13)', () => {
    const planted = new Planted();
    planted.emit('joined', b());
    expect(() => planted.hold(b({ state: 'unreachable' }))).toThrow(
      /Invariant 13.*1 members, its events tell of 2/,
    );
  });

  it('an incarnation that falls (2)', () => {
    const planted = new Planted();
    planted.emit('joined', b({ incarnation: 4 }));
    expect(() => planted.hold(b({ incarnation: 3 }))).toThrow(/Invariant 2/);
    expect(() => new Planted().hold(member('a', { incarnation: 4 }))).toThrow(/Invariant 2/);
  });

  it('an incarnation above that of its owner (3)', () => {
    expect(() => new Planted().emit('joined', b({ incarnation: 6 }))).toThrow(/Invariant 3/);
  });

  it('a suspicion that ends without a higher incarnation (4)', () => {
    const planted = new Planted();
    planted.emit('joined', b());
    planted.emit('suspected', b({ state: 'suspect' }));
    expect(() => planted.emit('recovered', b())).toThrow(/Invariant 4/);
  });

  it('a return from unreachable without a higher incarnation (5)', () => {
    const planted = new Planted();
    planted.emit('joined', b());
    planted.emit('unreachable', b({ state: 'unreachable' }));
    expect(() => planted.emit('joined', b())).toThrow(/Invariant 5/);
  });

  it('a return from left, whatever the incarnation (6)', () => {
    const planted = new Planted();
    planted.emit('joined', b({ incarnation: 1 }));
    planted.emit('left', b({ incarnation: 1, state: 'left' }));
    expect(() => planted.hold(b({ incarnation: 2, state: 'unreachable' }))).toThrow(/Invariant 6/);
  });

  it('a node that doubts itself (9)', () => {
    expect(() => new Planted().hold(member('a', { state: 'suspect' }))).toThrow(/Invariant 9/);
    expect(() => new Planted().emit('suspected', member('a', { state: 'suspect' }))).toThrow(/Invariant 9/);
  });
});
