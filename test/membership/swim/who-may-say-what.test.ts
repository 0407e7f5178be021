import { describe, it, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { SwimMessage, Update } from '../../../src/membership/swim/messages.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

const SELF = 0;
const ACTIVE = 2;
const UNREACHABLE = 3;
const SEED = 4;
const SUBJECT = 5;
const UNKNOWN = 7;
const STRANGER = 9;
/** What is known of the subject, and of the node itself. */
const HELD = 5;
const TOO_HIGH = HELD + 1001;

const senders: Readonly<Record<string, number>> = {
  owner: SUBJECT,
  'active member': ACTIVE,
  'held unreachable': UNREACHABLE,
  'asked seed': SEED,
  stranger: STRANGER,
};

type Prepare = (node: Alone) => unknown;

/** What is said, and in which state the subject is held before. */
interface Row {
  readonly about: number;
  readonly prepare?: Prepare;
  readonly say: (from: number) => SwimMessage;
}

const other = { metadata: { zone: 'forged' } };
const gossip = (...updates: Update[]): SwimMessage => ({ type: 'gossip', updates });
const suspected: Prepare = (node) => node.hear(ACTIVE, suspectOf(SUBJECT, 8, HELD));
const lost: Prepare = (node) => node.hear(ACTIVE, unreachableOf(SUBJECT, 8, HELD));
const left: Prepare = (node) => node.hear(ACTIVE, leftOf(SUBJECT, HELD));
const buckets = new Array<number>(128).fill(0);
const page = { type: 'page', sync: 1, index: 0, last: true, maskLow: 0, maskHigh: 0 } as const;

const rows: Readonly<Record<string, Row>> = {
  '`alive` of an unknown member': { about: UNKNOWN, say: () => gossip(aliveOf(UNKNOWN)) },
  '`alive` of an active member, higher': {
    about: SUBJECT,
    say: () => gossip(aliveOf(SUBJECT, HELD + 1, other)),
  },
  '`alive` of an active member, equal, with other contents': {
    about: SUBJECT,
    say: () => gossip(aliveOf(SUBJECT, HELD, other)),
  },
  '`alive` of a suspect, higher': {
    about: SUBJECT,
    prepare: suspected,
    say: () => gossip(aliveOf(SUBJECT, HELD + 1)),
  },
  '`alive` of an unreachable member, higher': {
    about: SUBJECT,
    prepare: lost,
    say: () => gossip(aliveOf(SUBJECT, HELD + 1)),
  },
  '`alive` of an active member, over 1,000 higher': {
    about: SUBJECT,
    say: () => gossip(aliveOf(SUBJECT, TOO_HIGH, other)),
  },
  '`alive` of one that left, higher': {
    about: SUBJECT,
    prepare: left,
    say: () => gossip(aliveOf(SUBJECT, HELD + 1)),
  },
  '`alive` of this node, higher': { about: SELF, say: () => gossip(aliveOf(SELF, HELD + 1)) },
  '`suspect` about an active member': {
    about: SUBJECT,
    say: (from) => gossip(suspectOf(SUBJECT, from, HELD)),
  },
  '`suspect` about an active member, over 1,000 higher': {
    about: SUBJECT,
    say: (from) => gossip(suspectOf(SUBJECT, from, TOO_HIGH)),
  },
  '`suspect` about this node': { about: SELF, say: (from) => gossip(suspectOf(SELF, from, HELD)) },
  '`suspect` about this node, over 1,000 higher': {
    about: SELF,
    say: (from) => gossip(suspectOf(SELF, from, TOO_HIGH)),
  },
  '`unreachable` about an active member': {
    about: SUBJECT,
    say: (from) => gossip(unreachableOf(SUBJECT, from, HELD)),
  },
  '`unreachable` about this node': { about: SELF, say: (from) => gossip(unreachableOf(SELF, from, HELD)) },
  '`left` of an active member, higher': { about: SUBJECT, say: () => gossip(leftOf(SUBJECT, HELD + 1)) },
  '`left` of an active member, lower': { about: SUBJECT, say: () => gossip(leftOf(SUBJECT, HELD - 1)) },
  '`left` of an active member, over 1,000 higher': {
    about: SUBJECT,
    say: () => gossip(leftOf(SUBJECT, TOO_HIGH)),
  },
  '`left` of an unreachable member, higher': {
    about: SUBJECT,
    prepare: lost,
    say: () => gossip(leftOf(SUBJECT, HELD + 1)),
  },
  '`left` of this node': { about: SELF, say: () => gossip(leftOf(SELF, HELD + 1)) },
  '`left` of this node, over 1,000 higher': { about: SELF, say: () => gossip(leftOf(SELF, TOO_HIGH)) },
  '`leaving`': { about: -1, say: () => ({ type: 'leaving', incarnation: 1 }) },
  '`ping`': {
    about: SELF,
    say: () => ({ type: 'ping', seq: 1, to: peerOf(SELF).id, digest: someDigest, updates: [] }),
  },
  '`pingReq`': {
    about: SUBJECT,
    say: () => ({
      type: 'pingReq',
      seq: 1,
      target: peerOf(SUBJECT).id,
      address: peerOf(SUBJECT).address,
      incarnation: HELD,
      why: 'silent',
    }),
  },
  '`dialRequest`': {
    about: SUBJECT,
    say: () => ({ type: 'dialRequest', id: peerOf(SUBJECT).id, address: peerOf(SUBJECT).address }),
  },
  '`join`': { about: -1, say: (from) => ({ type: 'join', attempt: 1, member: memberOf(from) }) },
  "`join` with another's record": {
    about: UNKNOWN,
    say: () => ({ type: 'join', attempt: 1, member: memberOf(UNKNOWN) }),
  },
  '`syncStart`': { about: SELF, say: () => ({ type: 'syncStart', sync: 1, buckets }) },
  '`page`, pushed, with an unknown member': {
    about: UNKNOWN,
    say: () => ({ ...page, side: 'push', members: [memberOf(UNKNOWN)] }),
  },
  '`page` that answers nothing': {
    about: UNKNOWN,
    say: (from) => ({ ...page, side: 'answer', members: [memberOf(from), memberOf(UNKNOWN)] }),
  },
  '`ack` that answers nothing, with `alive` of an unknown': {
    about: UNKNOWN,
    say: () => ({ type: 'ack', seq: 1, incarnation: 0, digest: someDigest, updates: [aliveOf(UNKNOWN)] }),
  },
};

/** A node at incarnation {@link HELD} that knows one sender of each kind, and the subject. */
function receiver(): Alone {
  const node = new Alone().meet(
    memberOf(1),
    memberOf(ACTIVE),
    memberOf(UNREACHABLE),
    memberOf(SUBJECT, HELD),
  );
  for (let at = 0; at < HELD; at++) node.swim.setMetadata({ at });
  node.hear(ACTIVE, unreachableOf(UNREACHABLE, ACTIVE));
  node.swim.join([peerOf(SEED).address]);
  const { attempt } = node.sentOf('join').at(-1)!.message;
  return node.receive(SEED, { type: 'joinWait', attempt, retryAfterMs: 600 });
}

/** What others can see of a node's mind: each member that it remembers. */
function mindOf(node: Alone): string[] {
  return [...node.swim.allMembers()].map(
    ({ name, state, incarnation, metadata }) => `${name} ${state} ${incarnation} ${JSON.stringify(metadata)}`,
  );
}

/** What saying it has done, in the words of the table. */
function effectOf({ about, prepare, say }: Row, from: number): string {
  const node = receiver();
  prepare?.(node);
  const before = mindOf(node);
  const { incarnation } = node.swim.local;
  for (const list of [node.sent, node.events, node.notices] as const) list.length = 0;
  node.receive(from, say(from));
  const after = mindOf(node);
  const sent = new Set(node.sent.map(({ message }) => message.type));
  if (node.notices.some(({ type }) => type === 'identity-lost')) return 'new id';
  if (node.swim.local.incarnation > incarnation) return 'refuted';
  if (after.join() !== before.join()) return 'taken';
  if (sent.has('joinRefused')) return 'refused';
  if (sent.has('joinWait')) return 'wait';
  if (sent.has('syncBusy')) return 'busy';
  if (sent.has('page')) return 'pages';
  if (sent.has('ack')) return 'answered';
  if (node.sentOf('relayed').some(({ message }) => message.outcome === 'local')) return 'local';
  if (node.count('dialBacks') > 0) return 'dial-back';
  if (sent.has('ping')) return 'served';
  const pinged = node.sentOf('ping', about).length;
  node.run(20);
  return node.sentOf('ping', about).length > pinged && node.count('hearsayVerified') > 0 ? 'hint' : 'nothing';
}

/** The table of docs/PROTOCOL.md: its head, then its rows. */
function readTable(): string[][] {
  const text = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## Who may say what'), text.indexOf('## Messages'));
  return section
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const [head, ...table] = readTable();

describe('who may say what', () => {
  it('is told in docs/PROTOCOL.md for everything that is tested here, and nothing else', () => {
    expect(head).toEqual(['what is said', ...Object.keys(senders)]);
    expect(table.map(([said]) => said)).toEqual(Object.keys(rows));
  });

  for (const [said, ...cells] of table) {
    it(`${said}: ${cells.join(', ')}`, () => {
      const row = rows[said!]!;
      const effects = Object.entries(senders).map(([sender, number]) => {
        if (sender !== 'owner') return effectOf(row, number);
        return row.about === SELF || cells[0] === '—' ? '—' : effectOf(row, row.about);
      });
      expect(effects).toEqual(cells);
    });
  }
});

describe('a forged leave', () => {
  it("is counted when its incarnation could not be the owner's, and is not passed on", () => {
    const node = receiver();
    node.sent.length = 0;
    node.hear(ACTIVE, leftOf(SUBJECT, HELD - 1), leftOf(SUBJECT, TOO_HIGH));
    node.run(1000);
    expect([node.count('leavesRefused'), node.count('incarnationsRefused')]).toEqual([1, 1]);
    const passedOn = [1, ACTIVE, SUBJECT].flatMap((i) => node.updatesTo(i));
    expect(passedOn.filter(({ type }) => type === 'left')).toEqual([]);
  });

  it('about this node makes it ask for a new id once an interval, however often it is told', () => {
    const node = receiver();
    for (let i = 0; i < 100; i++) node.hear(ACTIVE, leftOf(SELF, HELD + i));
    expect(node.notices.map(({ type }) => type)).toEqual(['identity-lost']);
    node.run(1000).hear(ACTIVE, leftOf(SELF, HELD + 1));
    expect(node.notices.filter(({ type }) => type === 'identity-lost')).toHaveLength(2);
  });

  it('comes true in a page as little as in gossip', () => {
    const node = receiver();
    const members = [memberOf(SUBJECT, HELD - 1, { state: 'left' })];
    node.receive(ACTIVE, { ...page, side: 'push', members });
    expect(node.state(SUBJECT)).toBe('alive');
  });
});

describe('provocations', () => {
  /** One frame with as many updates as a frame can hold. */
  const frame = (make: () => Update): SwimMessage => gossip(...Array.from({ length: 256 }, make));

  it('in one frame are answered by a few frames, not by one each', () => {
    for (const provoke of [
      frame(() => suspectOf(SELF, ACTIVE, 0)),
      frame(() => unreachableOf(SELF, ACTIVE, 0)),
      frame(() => aliveOf(ACTIVE, 0)),
      frame(() => suspectOf(SUBJECT, ACTIVE, 0)),
    ]) {
      const node = receiver();
      left(node);
      node.hear(ACTIVE, suspectOf(ACTIVE, SUBJECT, 0));
      node.sent.length = 0;
      node.receive(ACTIVE, provoke);
      expect(node.sent.length).toBeLessThanOrEqual(8);
      expect(node.sent.length).toBeGreaterThan(0);
    }
  });

  it('about others are not turned against those', () => {
    const node = receiver();
    node.swim.link(peerOf(SUBJECT), 'up');
    node.sent.length = 0;
    for (let i = 0; i < 10; i++)
      node.receive(
        ACTIVE,
        frame(() => unreachableOf(SUBJECT, ACTIVE, HELD, 'hard')),
      );
    expect(node.sentOf('gossip', SUBJECT).length).toBeLessThanOrEqual(8);
    expect(node.state(SUBJECT)).toBe('suspect');
  });

  it('do not use the news up: who pings in a loop gets it once a gossip interval, a stranger never', () => {
    const node = receiver();
    node.hear(1, aliveOf(1, 1));
    node.sent.length = 0;
    const ping: SwimMessage = { type: 'ping', seq: 1, to: peerOf(SELF).id, digest: someDigest, updates: [] };
    for (let i = 0; i < 100; i++) node.receive(STRANGER, ping).receive(ACTIVE, ping);
    const told = (i: number): number =>
      node.sentOf('ack', i).filter(({ message }) => message.updates.length > 0).length;
    expect([told(STRANGER), told(ACTIVE)]).toEqual([0, 1]);
    node.run(1000);
    expect(node.updatesTo(SUBJECT)).toContainEqual(aliveOf(1, 1));
  });
});
