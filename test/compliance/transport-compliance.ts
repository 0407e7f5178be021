import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ClusterError,
  MemberDrainingError,
  NoReceiverError,
  NotDeliveredError,
  PayloadTooLargeError,
} from '../../src/errors.js';
import {
  count,
  noise,
  TestNetwork,
  text,
  textOf,
  type NodeOptions,
  type TransportFixture,
} from './transport-network.js';

const MIB = 1024 * 1024;

/** The contract of `Transport` as tests: every transport passes it, those of third parties too. */
export function describeTransport(name: string, createFixture: () => TransportFixture): void {
  describe(`transport: ${name}`, () => {
    let network: TestNetwork;
    beforeEach(() => {
      network = new TestNetwork(createFixture());
    });
    afterEach(() => network.close());

    const pair = async (options: NodeOptions = {}) =>
      [await network.node(options), await network.node(options)] as const;

    describe('send', () => {
      it('resolves when the payload has arrived, with all that came with it', async () => {
        const [a, b] = await pair();
        const meta = Uint8Array.of(9, 8, 7);
        await network.done(a.send(b, Uint8Array.of(1, 2, 3), { stream: 5, kind: 77, meta }));
        expect(b.received).toEqual([
          { from: a.id, stream: 5, kind: 77, meta, payload: Uint8Array.of(1, 2, 3) },
        ]);
      });

      it('carries an empty payload', async () => {
        const [a, b] = await pair();
        await network.done(a.send(b, new Uint8Array(0)));
        expect(b.received).toMatchObject([{ payload: new Uint8Array(0) }]);
      });

      it('needs no id: whoever answers at the address is meant', async () => {
        const [a, b] = await pair();
        await network.done(a.transport.send({ address: b.address, id: undefined }, text('hello')));
        expect(b.texts).toEqual(['hello']);
      });

      it('keeps the order within each stream, both ways at once', async () => {
        const [a, b] = await pair();
        const sends: Promise<void>[] = [];
        for (let i = 0; i < 500; i++) {
          sends.push(a.send(b, text(`${i}`), { stream: i % 3 }), b.send(a, text(`${i}`), { stream: i % 3 }));
        }
        await network.done(Promise.all(sends));
        for (const node of [a, b]) {
          for (const stream of [0, 1, 2]) {
            const got = node.received.filter((message) => message.stream === stream).map(textOf);
            expect(got).toEqual(count(500).filter((i) => Number(i) % 3 === stream));
          }
        }
      });

      it('of two nodes to each other from nothing ends on one link', async () => {
        const [a, b] = await pair();
        await network.done(Promise.all([a.send(b, text('x')), b.send(a, text('y'))]));
        await network.until(
          () => a.transport.stats.payloadLinks === 1 && b.transport.stats.payloadLinks === 1,
        );
        expect([a.texts, b.texts]).toEqual([['y'], ['x']]);
      });

      it('carries large payloads whole, small ones of another stream between them', async () => {
        const [a, b] = await pair();
        const large = noise(6 * 1024 * 1024);
        const sends = [
          a.send(b, large, { stream: 1 }),
          a.send(b, large, { stream: 1 }),
          a.send(b, text('small')),
        ];
        await network.done(Promise.all(sends));
        const bigOnes = b.received.filter((message) => message.stream === 1);
        expect(bigOnes.map((message) => Buffer.compare(message.payload, large))).toEqual([0, 0]);
        expect(textOf(b.received[0]!)).toBe('small');
      });

      it('over the limit rejects at once, and says the limit', async () => {
        const [a, b] = await pair({ limits: { payloadBytes: 1000 } });
        await expect(network.done(a.send(b, new Uint8Array(1001)))).rejects.toThrow(PayloadTooLargeError);
        await network.done(a.send(b, new Uint8Array(1000)));
      });

      it('over the limit of the recipient alone rejects, and later ones arrive', async () => {
        const a = await network.node();
        const b = await network.node({ limits: { payloadBytes: 1000 } });
        const sends = [1001, 3_000_000].map((size) => a.send(b, new Uint8Array(size)));
        const later = a.send(b, text('later'));
        for (const result of await network.done(Promise.allSettled(sends)))
          expect(result).toMatchObject({ reason: expect.any(PayloadTooLargeError) });
        await network.done(later);
        expect(b.texts).toEqual(['later']);
        expect(b.transport.stats.closedFor).toEqual({});
      });

      it('rejects when nobody is there for it, and when the recipient is draining', async () => {
        const [a, b] = await pair();
        for (const [receipt, error] of [
          ['no-receiver', NoReceiverError],
          ['draining', MemberDrainingError],
        ] as const) {
          b.receipt = receipt;
          await expect(network.done(a.send(b, text('x')))).rejects.toThrow(error);
        }
        b.receipt = 'held';
        await network.done(a.send(b, text('y')));
      });
    });

    describe('a broken link', () => {
      it('loses nothing, doubles nothing, and keeps the order', async () => {
        const [a, b] = await pair();
        const sends: Promise<void>[] = [];
        for (let round = 0; round < 10; round++) {
          for (let i = 0; i < 100; i++) sends.push(a.send(b, text(`${round * 100 + i}`)));
          await network.until(() => b.received.length >= round * 100 + 20);
          network.fixture.breakLinks(round % 2 === 0 ? a.id : b.id);
        }
        await network.done(Promise.all(sends));
        expect(b.texts).toEqual(count(1000));
        expect(a.transport.stats.resumed + b.transport.stats.resumed).toBeGreaterThan(0);
      });

      it('in the middle of a large payload does it no harm', async () => {
        const [a, b] = await pair();
        await network.done(a.send(b, text('first')));
        const large = noise(8 * 1024 * 1024);
        const sending = a.send(b, large);
        await network.until(() => b.transport.stats.bytesIn > 1024 * 1024);
        network.fixture.breakLinks(b.id);
        await network.done(sending);
        expect(Buffer.compare(b.received[1]!.payload, large)).toBe(0);
      });

      it('is told as closed, a goodbye as goodbye', async () => {
        const [a, b, c] = [...(await pair()), await network.node()];
        await network.done(Promise.all([b, c].map((other) => a.reach(other))));
        await network.fixture.kill(b.id);
        await network.until(() => a.reportsAbout(b).includes('closed'));
        await network.done(c.transport.close('left'));
        await network.until(() => a.reportsAbout(c).includes('goodbye'));
        expect(a.reportsAbout(c)).not.toContain('closed');
      });
    });

    describe('what a dial shows', () => {
      it('up, once a link is there', async () => {
        const [a, b] = await pair();
        await network.done(a.reach(b));
        expect([a.reportsAbout(b)[0], b.reportsAbout(a)[0]]).toEqual(['up', 'up']);
      });

      it('refused, where nobody listens any more', async () => {
        const [a, b] = await pair();
        await network.fixture.kill(b.id);
        let unsent = 0;
        a.transport.cast(b.destination, text('ping'), { unsent: () => unsent++ });
        await network.until(() => a.reportsAbout(b).includes('refused') && unsent === 1);
      });

      it('replaced, where another id answers', async () => {
        const [a, b] = await pair();
        await network.fixture.kill(b.id);
        const next = await network.node({ port: b.address.port });
        a.transport.cast(b.destination, text('ping'));
        await network.until(() => a.reportsAbout(b).includes('replaced'));
        expect(a.reports.find((report) => report.report === 'replaced')).toMatchObject({ by: next.id });
        expect(next.casts).toEqual([]);
      });

      it('silent, from another cluster, and both logs say why', async () => {
        const a = await network.node();
        const b = await network.node({ clusterName: 'other' });
        const sending = a.send(b, text('x'));
        sending.catch(() => undefined);
        await network.until(() => a.reportsAbout(b).includes('silent'));
        expect([a.logs, b.logs].map((lines) => /cluster/i.test(lines.join('\n')))).toEqual([true, true]);
        expect(b.transport.stats.closedFor['cluster-name']).toBeGreaterThan(0);
        expect(b.received).toEqual([]);
        a.transport.forget(b.id, 'unreachable');
        await expect(network.done(sending)).rejects.toThrow(NotDeliveredError);
      });
    });

    describe('cast', () => {
      it.each(['kept', 'fresh', 'verify'] as const)(
        'reaches the peer (%s), with who sent it',
        async (via) => {
          const [a, b] = await pair();
          for (const word of ['one', 'two']) {
            a.transport.cast(b.destination, text(word), { via });
            await network.until(() => b.casts.at(-1)?.body === word);
          }
          expect(b.casts).toEqual([
            { from: a.id, body: 'one' },
            { from: a.id, body: 'two' },
          ]);
        },
      );

      it('does not wait for payloads that nobody takes', async () => {
        const [a, b] = await pair({ limits: { windowMessages: 2 } });
        b.keeps = true;
        for (let i = 0; i < 10; i++) a.send(b, noise(1000)).catch(() => undefined);
        await network.until(() => b.held.length === 2);
        a.transport.cast(b.destination, text('ping'));
        await network.until(() => b.casts.length === 1);
      });

      it('passes payloads that are under way, in both directions', async () => {
        const [a, b] = await pair();
        await network.done(a.reach(b));
        const arrived = () => a.transport.stats.bytesIn + b.transport.stats.bytesIn;
        const isUnderWay = () => a.received.length + b.received.length === 0;
        // Each ping leaves when the one before was answered. How much of the payloads is faster than it and its answer?
        let sentAt: number | undefined;
        let mostMeanwhile = 0;
        const ping = () => {
          sentAt = isUnderWay() ? arrived() : undefined;
          if (sentAt !== undefined) a.transport.cast(b.destination, text('ping'));
        };
        b.onCast = () => b.transport.cast(a.destination, text('pong'));
        a.onCast = () => {
          mostMeanwhile = Math.max(mostMeanwhile, arrived() - sentAt!);
          ping();
        };
        const large = new Uint8Array(32 * MIB);
        const sends = Promise.all([a.send(b, large), b.send(a, large)]);
        ping();
        await network.done(sends);
        await network.until(() => sentAt === undefined);
        expect(mostMeanwhile).toBeLessThan(4 * MIB);
      });
    });

    describe('credit', () => {
      it('holds the sender back while messages are not taken, and lets it go on afterwards', async () => {
        const [a, b] = await pair({ limits: { windowMessages: 8 } });
        b.keeps = true;
        let settled = 0;
        const sends = count(20).map((word) => a.send(b, text(word)).then(() => settled++));
        await network.until(() => settled === 8);
        await network.pause();
        expect([settled, b.held.length]).toEqual([8, 8]);
        b.keeps = false;
        for (const message of b.held.splice(0)) message.release();
        await network.done(Promise.all(sends));
        expect(b.texts).toEqual(count(20));
      });

      it('is per stream, and replies need none', async () => {
        const [a, b] = await pair({ limits: { windowMessages: 2 } });
        b.keeps = true;
        const blocked = count(3).map((word) => a.send(b, text(word), { stream: 1 }));
        blocked[2]!.catch(() => undefined);
        await network.done(Promise.all(blocked.slice(0, 2)));
        await network.done(a.send(b, text('other stream'), { stream: 2 }));
        await network.done(a.send(b, text('reply'), { stream: 1, free: true }));
        expect(b.texts).toEqual(['0', '1', 'other stream', 'reply']);
      });

      it('comes back when a reader asks for the next message', async () => {
        const a = await network.node({ limits: { windowMessages: 2 } });
        const b = await network.node({ limits: { windowMessages: 2 }, reader: true });
        const sends = count(10).map((word) => a.send(b, text(word)));
        const got: string[] = [];
        const reading = (async () => {
          for await (const message of b.binding) if (got.push(textOf(message)) === 10) break;
        })();
        await network.done(Promise.all([...sends, reading]));
        expect(got).toEqual(count(10));
      });
    });

    describe('giving up', () => {
      it('an abort rejects what was not written at once, and the rest goes on', async () => {
        const [a, b] = await pair({ limits: { windowMessages: 1 } });
        b.keeps = true;
        await network.done(a.send(b, text('0')));
        const abort = new AbortController();
        const given = a.send(b, text('given up'), { signal: abort.signal });
        const waits = a.send(b, text('1'));
        abort.abort();
        await expect(given).rejects.toThrow(NotDeliveredError);
        b.keeps = false;
        for (const message of b.held.splice(0)) message.release();
        await network.done(waits);
        expect(b.texts).toEqual(['0', '1']);
      });

      it('a signal that was aborted before sends nothing', async () => {
        const [a, b] = await pair();
        await expect(a.send(b, text('x'), { signal: AbortSignal.abort() })).rejects.toThrow(
          NotDeliveredError,
        );
        await network.done(a.send(b, text('y')));
        expect(b.texts).toEqual(['y']);
      });

      it('forget settles everything to that peer at once', async () => {
        const [a, b] = await pair({ limits: { windowMessages: 1 } });
        b.keeps = true;
        await network.done(a.send(b, text('0')));
        const waiting = count(5).map((word) => a.send(b, text(word)));
        a.transport.forget(b.id, 'unreachable');
        for (const result of await Promise.allSettled(waiting)) {
          expect(result).toMatchObject({ status: 'rejected', reason: expect.any(ClusterError) });
        }
      });
    });

    describe('close', () => {
      it('settles what waits, ends the sequence, leaves nothing, and may be called again', async () => {
        const a = await network.node({ limits: { windowMessages: 1 } });
        const b = await network.node({ limits: { windowMessages: 1 }, reader: true });
        await network.done(a.send(b, text('0')));
        const waiting = count(3).map((word) => a.send(b, text(word)));
        const results = Promise.allSettled(waiting);
        const reading = (async () => {
          const texts: string[] = [];
          for await (const message of b.binding) texts.push(textOf(message));
          return texts;
        })();
        await network.done(Promise.all([a.transport.close(), b.transport.close(), a.transport.close()]));
        await network.done(reading);
        for (const result of await network.done(results)) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ClusterError);
        }
        expect([a.transport.stats.sockets, b.transport.stats.sockets]).toEqual([0, 0]);
        await expect(a.send(b, text('late'))).rejects.toThrow(ClusterError);
      });

      it('frees the port', async () => {
        const a = await network.node();
        await network.done(a.transport.close());
        await network.node({ port: a.address.port });
      });
    });

    it('a node that breaks and closes does no harm to the talk of others', async () => {
      const [a, b, c] = [...(await pair()), await network.node()];
      const sends = count(200).map((word) => a.send(b, text(word)));
      const others = count(50).map((word) => c.send(b, text(word), { stream: 1 }));
      void Promise.allSettled(others);
      await network.until(() => b.received.length > 20);
      await network.fixture.kill(c.id);
      await network.done(Promise.all(sends));
      expect(b.received.filter((message) => message.stream === 0).map(textOf)).toEqual(count(200));
    });
  });
}
