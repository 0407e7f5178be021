import { describe, expect, it } from '@jest/globals';
import type { SwimMessage, Update } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import type { WatchedNode } from '../../../src/simulation/invariants/check.js';
import { Retransmission } from '../../../src/simulation/invariants/retransmission.js';
import { FakeNode, member } from './fake-node.js';

const accuser = member('b');
const other = member('c');
const leaver = member('d', { state: 'left' });
const { id, incarnation } = leaver;
/** Far more than may be sent without being asked. */
const MANY = 100;

const accusations: Record<string, SwimMessage> = {
  'suspects it': gossip({ type: 'suspect', id, incarnation, accuser: accuser.id, kind: 'soft' }),
  'has found it unreachable': gossip({
    type: 'unreachable',
    id,
    incarnation,
    by: accuser.id,
    kind: 'soft',
    witnesses: [],
  }),
  'wants it to be probed': {
    type: 'pingReq',
    seq: 1,
    target: id,
    address: leaver.address,
    incarnation,
    why: 'silent',
  },
};

function gossip(...updates: Update[]): SwimMessage {
  return { type: 'gossip', updates };
}

/** A node that knows of a leave is accused to by one, and tells another, again and again. */
function tells(to: typeof accuser, accusation: SwimMessage | undefined, held = leaver): () => void {
  return () => {
    const check = new Retransmission(resolveSwimOptions('lan'));
    const fake = new FakeNode('a');
    for (const each of [accuser, other, held]) fake.hold(each);
    const node = fake as unknown as WatchedNode<SwimMessage>;
    check.started(node);
    for (let count = 0; count < MANY; count++) {
      if (accusation !== undefined)
        check.beforeInput(node, { kind: 'receive', from: accuser, message: accusation });
      check.sent(node, to, gossip({ type: 'left', id, incarnation }));
    }
  };
}

describe('a leave that is told again and again', () => {
  it.each(Object.keys(accusations))('to one who %s each time passes', (kind) => {
    expect(tells(accuser, accusations[kind])).not.toThrow();
  });

  it('to one who asks for nothing is found (15)', () => {
    expect(tells(accuser, undefined)).toThrow(/Invariant 15 .*has sent left 5 of one member/);
  });

  it('to another than its accuser is found (15)', () => {
    expect(tells(other, accusations['suspects it'])).toThrow(/Invariant 15/);
  });

  it('to one who passes the accusation on is found (15)', () => {
    const hearsay = gossip({ type: 'suspect', id, incarnation, accuser: other.id, kind: 'soft' });
    expect(tells(accuser, hearsay)).toThrow(/Invariant 15/);
  });

  it('of one who had not left when it was accused is found (15)', () => {
    expect(tells(accuser, accusations['suspects it'], leaver.with({ state: 'alive' }))).toThrow(
      /Invariant 15/,
    );
  });
});
