import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { ProtocolViolationError } from '../../../src/errors.js';
import type { ClusterMetadata } from '../../../src/membership/membership.js';
import { swimCodec } from '../../../src/membership/swim/codec.js';
import { sameFacts } from '../../../src/membership/swim/facts.js';
import { MAX_INCARNATION } from '../../../src/membership/swim/messages.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { nodeIdBytes } from '../../../src/membership/swim/member-codec.js';
import { Alone, aliveOf, leftOf, memberOf, peerOf, someDigest, suspectOf, unreachableOf } from './alone.js';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const id = nodeIdBytes(peerOf(1).id);
const MAX_UINT32 = 2 ** 32 - 1;

/** Bytes of a message that this version's encoder would not make. */
const decode = (tuple: unknown[]): SwimMessage => swimCodec.decode(Uint8Array.from(packr.pack(tuple)));

const noNumbers: readonly unknown[] = [
  -1,
  -0.5,
  1.5,
  2 ** 53,
  -(2 ** 53),
  2n ** 63n,
  2n ** 64n - 1n,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MAX_VALUE,
  '1',
  null,
  true,
  [1],
];

describe('an incarnation that is none', () => {
  const digest = [1, 0, 0, true];

  it.each([...noNumbers, MAX_INCARNATION + 1])('as %p, is a violation wherever it stands', (incarnation) => {
    for (const tuple of [
      [2, 1, incarnation, digest, []],
      [3, 1, id, ['10.0.0.1', 1], incarnation, 0],
      [6, [[2, id, incarnation, id, 0]]],
      [6, [[3, id, incarnation, id, 0, []]]],
      [6, [[4, id, incarnation]]],
      [14, incarnation],
      [15, incarnation],
    ])
      expect(() => decode(tuple)).toThrow(ProtocolViolationError);
    const record = [id, 'm', ['10.0.0.1', 1], 0, incarnation, {}, 0, 1, [1, 1]];
    expect(() => decode([6, [[1, packr.pack(record)]]])).toThrow(ProtocolViolationError);
  });

  it('is not 2^40, the largest', () => {
    expect(decode([14, MAX_INCARNATION])).toEqual({ type: 'leaving', incarnation: MAX_INCARNATION });
  });
});

describe('an incarnation at its edges', () => {
  it('of a known member is dropped and counted, whatever is said with it', () => {
    const node = new Alone().with(3);
    const claims = [aliveOf, (i: number, at: number) => suspectOf(i, 2, at), leftOf] as const;
    for (const claim of claims) node.hear(2, claim(1, MAX_INCARNATION)).hear(2, claim(1, 1001));
    node.hear(2, unreachableOf(1, 2, MAX_INCARNATION));
    expect([node.state(1), node.count('incarnationsRefused'), node.events]).toEqual(['alive', 7, []]);
  });

  it('that was made up before the owner was known, is replaced by the word of the owner', () => {
    for (const made of [
      [aliveOf(5, MAX_INCARNATION, { metadata: { forged: true } })],
      [aliveOf(5, MAX_INCARNATION), suspectOf(5, 2, MAX_INCARNATION)],
      [aliveOf(5, MAX_INCARNATION), unreachableOf(5, 2, MAX_INCARNATION)],
    ]) {
      const node = new Alone().with(3).hear(2, ...made);
      node.hear(3, aliveOf(5, 4));
      expect(node.swim.member(peerOf(5).id)?.incarnation).toBe(MAX_INCARNATION);
      node.hear(5, aliveOf(5, 4));
      expect(node.swim.member(peerOf(5).id)).toEqual(memberOf(5, 4));
      node.hear(2, suspectOf(5, 2, MAX_INCARNATION));
      expect(node.state(5)).toBe('alive');
    }
  });

  it('is answered with what is true by its owner, who does not raise its own', () => {
    const node = new Alone().with(3);
    node.hear(1, suspectOf(0, 1, MAX_INCARNATION)).hear(2, aliveOf(0, 5000));
    expect(node.updatesTo(1)).toEqual([aliveOf(0)]);
    expect(node.updatesTo(2)).toEqual([aliveOf(0)]);
    expect(node.swim.local.incarnation).toBe(0);
  });
});

describe('numbers of questions and answers', () => {
  it.each(noNumbers.concat(MAX_UINT32 + 1))('as %p, are violations', (seq) => {
    for (const tuple of [
      [1, seq, id, [1, 0, 0, true], []],
      [2, seq, 0, [1, 0, 0, true], []],
      [3, seq, id, ['10.0.0.1', 1], 0, 0],
      [4, seq, 0, null, null],
      [7, seq, swimCodec.encodeMember(memberOf(1))],
      [8, seq, 100],
      [9, seq, 'no'],
      [10, seq, new Uint8Array(512)],
      [11, seq],
      [12, seq, 0, 0, true, 0, 0, []],
      [12, 1, 0, seq, true, 0, 0, []],
      [13, seq, 0, 0],
    ])
      expect(() => decode(tuple)).toThrow(ProtocolViolationError);
  });

  it.each([0, 1, MAX_UINT32])('at %i come back as they are', (seq) => {
    const node = new Alone().with(3);
    const { id: target, address } = peerOf(2);
    node.receive(1, { type: 'ping', seq, to: peerOf(0).id, digest: someDigest, updates: [] });
    node.receive(9, { type: 'pingReq', seq, target, address, incarnation: 0, why: 'silent' });
    expect(node.sentOf('ack', 1)[0]!.message.seq).toBe(seq);
    expect(node.sentOf('relayed', 9)[0]!.message.seq).toBe(seq);
  });

  it('of our own go round from the largest to the least', () => {
    class AtTheEnd extends Alone {
      override readonly random = (): number => 1 - 2 ** -33;
    }
    const node = new AtTheEnd().with(1);
    node.run(1000).answer(1);
    node.run(3000);
    const numbers = node.sentOf('ping').map(({ message }) => message.seq);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(MAX_UINT32);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(node.answer(1)).toBe(true);
    expect(node.count('lateAcks')).toBe(0);
  });

  it('that nobody gave out, or somebody else, make no contact and end no probe', () => {
    const node = new Alone().with(3);
    node.runUntil(() => node.sentOf('ping').length > 0);
    const { to, message } = node.sentOf('ping')[0]!;
    const other = [1, 2, 3].find((i) => peerOf(i).id !== to.id)!;
    const ack = { type: 'ack', incarnation: 0, digest: someDigest, updates: [] } as const;
    for (const seq of [0, MAX_UINT32, message.seq - 1, message.seq + 1])
      for (const from of [1, 2, 3]) node.receive(from, { ...ack, seq });
    node.receive(other, { ...ack, seq: message.seq });
    for (const outcome of ['ack', 'refused', 'replaced', 'local', 'silent'] as const)
      node.receive(other, {
        type: 'relayed',
        seq: message.seq,
        outcome,
        by: undefined,
        incarnation: undefined,
      });
    expect([node.count('lateAcks'), node.count('lateRelays')]).toEqual([13, 5]);
    expect(node.swim.gauges['probes']).toBe(1);
    node.run(3000);
    expect(node.swim.member(to.id!)?.state).toBe('suspect');
  });

  it('of the largest times to wait do not stop a joiner', () => {
    expect(() => decode([8, 1, Number.POSITIVE_INFINITY])).toThrow(ProtocolViolationError);
    const node = new Alone();
    node.swim.join([peerOf(1).address]);
    const { attempt } = node.sentOf('join')[0]!.message;
    const wait = decode([8, attempt, Number.MAX_SAFE_INTEGER]);
    node.receive(1, wait).run(15_000);
    expect(node.sentOf('join').length).toBeGreaterThan(1);
  });
});

describe('metadata with names of the language', () => {
  const hostile = [
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"prototype":{"polluted":true},"toString":1,"valueOf":null,"hasOwnProperty":"no","then":{}}',
    '{"a":{"__proto__":{"polluted":true},"__defineGetter__":[{"__proto__":[]}]}}',
  ].map((text) => JSON.parse(text) as ClusterMetadata);

  const expectClean = (): void => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  };

  it.each(hostile.map((metadata) => [JSON.stringify(metadata), metadata] as const))(
    'pollutes nothing on its way through bytes, merge, events and JSON: %s',
    (_text, metadata) => {
      const bytes = swimCodec.encode({ type: 'gossip', updates: [aliveOf(5, 1, { metadata })] });
      const message = swimCodec.decode(Uint8Array.from(bytes));
      const node = new Alone().with(2).receive(1, message);
      node.hear(1, aliveOf(5, 2, { metadata: {} })).receive(1, message);
      node.receive(
        1,
        swimCodec.decode(
          Uint8Array.from(swimCodec.encode({ type: 'gossip', updates: [aliveOf(5, 3, { metadata })] })),
        ),
      );
      const held = node.swim.member(peerOf(5).id)!;
      expect(Object.getPrototypeOf(held.metadata)).toBe(Object.prototype);
      expect('polluted' in held.metadata).toBe(false);
      expect(node.eventsAbout(5)).toEqual(['joined', 'updated', 'updated']);
      const copy = JSON.parse(JSON.stringify(held)) as { metadata: object };
      expect(copy.metadata).toEqual(held.metadata);
      // Every name is there, as the sender's own, but for the one that objects cannot have safely.
      for (const key of Object.keys(metadata)) {
        if (key !== '__proto__') expect(Object.hasOwn(held.metadata, key)).toBe(true);
      }
      expectClean();
    },
  );

  it('of this node travels, or is refused', () => {
    for (const metadata of hostile) {
      const node = new Alone().with(1);
      node.swim.setMetadata(metadata);
      const sent = swimCodec.decode(
        Uint8Array.from(
          swimCodec.encode({ type: 'gossip', updates: [{ type: 'alive', member: node.swim.local }] }),
        ),
      );
      expect(sent.type).toBe('gossip');
      expectClean();
    }
  });

  it('is the same or another, whatever names it has', () => {
    const key = fc.constantFrom('__proto__', 'constructor', 'toString', 'prototype', 'a', '');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, 1, 'x'),
        tie('map'),
        fc.array(tie('any'), { maxLength: 2 }),
      ),
      map: fc
        .array(fc.tuple(key, tie('any')), { maxLength: 4 })
        .map(
          (pairs) =>
            JSON.parse(
              `{${pairs.map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`).join()}}`,
            ) as ClusterMetadata,
        ),
    })).map;
    fc.assert(
      fc.property(value, value, (one, two) => {
        const [a, b] = [memberOf(1, 1, { metadata: one }), memberOf(1, 1, { metadata: two })];
        expect(sameFacts(a, memberOf(1, 2, { metadata: structuredClone(one) }))).toBe(true);
        const decoded = swimCodec.decodeMember(swimCodec.encodeMember(b));
        expect(decoded.metadata).not.toHaveProperty('polluted');
        expect(sameFacts(decoded, swimCodec.decodeMember(swimCodec.encodeMember(decoded)))).toBe(true);
        sameFacts(a, b);
        expectClean();
      }),
    );
  });
});

describe('names and reasons', () => {
  const escape = '\u001b[2J\u001b]0;owned\u0007\r\nERROR forged line\u0000\u2028';

  it('of 255 characters are names, one more is none', () => {
    const long =
      (length: number): (() => unknown) =>
      () =>
        swimCodec.decodeMember(swimCodec.encodeMember(memberOf(1, 0, { name: 'ü'.repeat(length) })));
    expect(long(255)).not.toThrow();
    expect(long(256)).toThrow(ProtocolViolationError);
  });

  it('of a refusal cannot write to a terminal or forge a line of a log', () => {
    const node = new Alone();
    node.swim.join([peerOf(1).address]);
    const { attempt } = node.sentOf('join')[0]!.message;
    node.receive(1, { type: 'joinRefused', attempt, reason: escape.repeat(100).slice(0, 1024) });
    const refused = node.notices.find(({ type }) => type === 'join-refused');
    const message = refused?.type === 'join-refused' ? refused.error.message : '';
    expect(message).toContain('ERROR forged line');
    // eslint-disable-next-line no-control-regex
    expect(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(message)).toBe(false);
    expect(message.length).toBeLessThan(400);
  });
});
