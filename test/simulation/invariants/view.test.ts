import { describe, it, expect } from '@jest/globals';
import {
  MembershipEvent,
  type Member,
  type MemberFields,
  type MembershipEventType,
} from '../../../src/membership/membership.js';
import { Grammar } from '../../../src/simulation/invariants/grammar.js';
import { Lattice } from '../../../src/simulation/invariants/lattice.js';
import { FakeNode, member } from './fake-node.js';

/** A node that shows whatever the test wants, before one of the two checks: here a bug is planted by hand. */
class Planted {
  readonly node = new FakeNode('a');
  readonly check: Lattice<never> | Grammar<never>;

  constructor(check: Lattice<never> | Grammar<never>) {
    this.check = check;
    check.started(this.node);
    // The owner of what `a` thinks of `b`: its incarnation is 5.
    check.started(new FakeNode('b'));
  }

  /** Shows a member without an event. */
  hold(held: Member): void {
    this.node.hold(held);
    this.check.afterInput(this.node);
    this.check.finish();
  }

  emit(type: MembershipEventType, changed: Member): void {
    this.node.hold(changed);
    this.check.event(this.node, MembershipEvent.of(type, changed, undefined, this.node.view, 0));
    this.check.afterInput(this.node);
    this.check.finish();
  }
}

const order = (): Planted => new Planted(new Lattice());
const grammar = (): Planted => new Planted(new Grammar());
const b = (changes: Partial<MemberFields> = {}): Member => member('b', changes);
const STATES = {
  joined: 'alive',
  updated: 'alive',
  suspected: 'suspect',
  recovered: 'alive',
  unreachable: 'unreachable',
  left: 'left',
} as const;

/** Plays events about b. */
function play(planted: Planted, types: readonly MembershipEventType[]): void {
  types.forEach((type, index) => {
    const state = type === 'updated' && types[index - 1] === 'suspected' ? 'suspect' : STATES[type];
    planted.emit(type, b({ state, incarnation: index }));
  });
}

const LEGAL: readonly MembershipEventType[][] = [
  ['joined', 'updated', 'updated', 'left'],
  ['joined', 'suspected', 'updated', 'recovered', 'suspected', 'unreachable'],
  ['joined', 'unreachable', 'joined', 'left'],
  ['joined', 'suspected', 'left'],
];

describe('the grammar of events', () => {
  it.each(LEGAL)('lets pass %j …', (...types) => expect(() => play(grammar(), types)).not.toThrow());

  it('lets pass left after unreachable without an event', () => {
    const planted = grammar();
    planted.emit('joined', b());
    planted.emit('unreachable', b({ state: 'unreachable' }));
    expect(() => planted.hold(b({ state: 'left' }))).not.toThrow();
  });

  it('lets pass a return from left when that was forgotten', () => {
    const planted = grammar();
    planted.emit('joined', b());
    planted.emit('left', b({ state: 'left' }));
    (planted.check as Grammar<never>).traced(planted.node, { kind: 'reaped', about: b().id });
    expect(() => planted.emit('joined', b())).not.toThrow();
  });

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
  ])('stops %j (13)', (types) => expect(() => play(grammar(), types)).toThrow(/Invariant 13/));

  it('stops an event whose member is in another state (13)', () => {
    expect(() => grammar().emit('joined', b({ state: 'suspect' }))).toThrow(
      /Invariant 13.*with state suspect/,
    );
  });

  it('stops a member in the view that no event told of (13)', () => {
    expect(() => grammar().hold(b())).toThrow(/Invariant 13.*no event told/);
  });

  it('stops a suspicion without an event (13)', () => {
    const planted = grammar();
    planted.emit('joined', b());
    expect(() => planted.hold(b({ state: 'suspect' }))).toThrow(/Invariant 13.*its events say alive/);
  });

  it('stops a member that disappears from the view without an event (13)', () => {
    const planted = grammar();
    planted.emit('joined', b());
    expect(() => planted.hold(b({ state: 'unreachable' }))).toThrow(/Invariant 13.*1 members.*tell of 2/);
  });
});

describe('the order of states', () => {
  it.each(LEGAL)('lets pass %j …', (...types) => expect(() => play(order(), types)).not.toThrow());

  it('stops an incarnation that falls (2)', () => {
    const planted = order();
    planted.emit('joined', b({ incarnation: 4 }));
    expect(() => planted.hold(b({ incarnation: 3 }))).toThrow(/Invariant 2 /);
    expect(() => order().hold(member('a', { incarnation: 4 }))).toThrow(/Invariant 2 /);
  });

  it('stops an incarnation above that of its owner (3)', () => {
    expect(() => order().emit('joined', b({ incarnation: 6 }))).toThrow(/Invariant 3 /);
  });

  it('stops a suspicion that ends without a higher incarnation (4)', () => {
    const planted = order();
    planted.emit('joined', b());
    planted.emit('suspected', b({ state: 'suspect' }));
    expect(() => planted.emit('recovered', b())).toThrow(/Invariant 4 /);
  });

  it('stops a return from unreachable without a higher incarnation (5)', () => {
    const planted = order();
    planted.emit('joined', b());
    planted.emit('unreachable', b({ state: 'unreachable' }));
    expect(() => planted.emit('joined', b())).toThrow(/Invariant 5 /);
  });

  it('lets a forgotten one return as it was', () => {
    const planted = order();
    planted.emit('unreachable', b({ state: 'unreachable' }));
    planted.node.remembered.delete(b().id);
    (planted.check as Lattice<never>).traced(planted.node, { kind: 'reaped', about: b().id });
    expect(() => planted.emit('joined', b())).not.toThrow();
  });

  it('stops a return from left, whatever the incarnation (6)', () => {
    const planted = order();
    planted.emit('joined', b({ incarnation: 1 }));
    planted.emit('left', b({ incarnation: 1, state: 'left' }));
    expect(() => planted.hold(b({ incarnation: 2, state: 'unreachable' }))).toThrow(/Invariant 6 /);
  });

  it('stops a node that doubts itself (9)', () => {
    expect(() => order().hold(member('a', { state: 'suspect' }))).toThrow(/Invariant 9 /);
    expect(() => order().emit('suspected', member('a', { state: 'suspect' }))).toThrow(/Invariant 9 /);
  });
});
