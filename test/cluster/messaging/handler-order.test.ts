import { afterEach, describe, expect, it } from '@jest/globals';
import type { HandlerOptions } from '../../../src/cluster/messaging/handlers.js';
import { InvalidHandlerError } from '../../../src/errors.js';
import { memberOf } from '../../support/members.js';
import { VirtualCluster } from '../../support/virtual-cluster.js';
import { Room, settle } from './room.js';

/** A handler that notes what it begins, and ends each call when it is told to. */
function controlled() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const handler = (data: unknown, message: { sender: { name: string } }): Promise<string> => {
    const call = `${message.sender.name}${String(data)}`;
    begun.push(call);
    return new Promise((resolve) => ends.set(call, () => resolve(call)));
  };
  return {
    begun,
    handler,
    async end(call: string): Promise<void> {
      ends.get(call)!();
      await settle();
    },
  };
}

describe("a handler with order: 'per-sender'", () => {
  it('gets the messages of one sender one after the other, and their credit comes back one by one', async () => {
    const room = new Room('a', 'b', 'c');
    const { begun, handler, end } = controlled();
    room.at('c').dispatcher.onMessage('note', handler, { order: 'per-sender' });
    for (const n of [1, 2, 3]) await room.at('a').messenger.emit(memberOf('c'), 'note', n);
    await room.at('b').messenger.emit(memberOf('c'), 'note', 1);
    expect(begun).toEqual(['a1', 'b1']);
    expect(room.unreleased).toBe(4);
    await end('a1');
    expect(begun).toEqual(['a1', 'b1', 'a2']);
    expect(room.unreleased).toBe(3);
    for (const call of ['a2', 'a3', 'b1']) await end(call);
    expect(room.unreleased).toBe(0);
  });

  it('gets raw bytes in order as well', async () => {
    const room = new Room('a', 'b');
    const { begun, handler, end } = controlled();
    room
      .at('b')
      .dispatcher.onMessage(
        undefined,
        (bytes, message) => handler(Buffer.from(bytes as Uint8Array), message),
        {
          order: 'per-sender',
        },
      );
    for (const text of ['x', 'y']) await room.at('a').messenger.send(memberOf('b'), Buffer.from(text));
    expect(begun).toEqual(['ax']);
    await end('ax');
    expect(begun).toEqual(['ax', 'ay']);
  });

  it('answers the requests of one sender one after the other', async () => {
    const room = new Room('a', 'b');
    const { begun, handler, end } = controlled();
    room.at('b').dispatcher.onRequest('ask', handler, { order: 'per-sender' });
    const answers: unknown[] = [];
    for (const n of [1, 2]) {
      void room
        .at('a')
        .messenger.request(memberOf('b'), 'ask', n)
        .then((answer) => answers.push(answer));
    }
    await settle();
    expect(begun).toEqual(['a1']);
    await end('a1');
    expect(begun).toEqual(['a1', 'a2']);
    await end('a2');
    expect(answers).toEqual(['a1', 'a2']);
  });

  it('goes on after a call that fails', async () => {
    const room = new Room('a', 'b');
    const seen: unknown[] = [];
    const handler = async (data: unknown): Promise<void> => {
      seen.push(data);
      await settle();
      if (data === 1) throw new RangeError('one');
    };
    room.at('b').dispatcher.onMessage('note', handler, { order: 'per-sender' });
    for (const n of [1, 2]) await room.at('a').messenger.emit(memberOf('b'), 'note', n);
    for (let i = 0; i < 3; i++) await settle();
    expect(seen).toEqual([1, 2]);
    expect(room.at('b').failures).toEqual(['the handler of "note": one']);
    expect(room.unreleased).toBe(0);
  });

  it('is drained when what waits for its turn is done, too', async () => {
    const room = new Room('a', 'b');
    const { handler, end } = controlled();
    const { dispatcher } = room.at('b');
    dispatcher.onRequest('ask', handler, { order: 'per-sender' });
    const asked = [1, 2].map((n) => room.at('a').messenger.request(memberOf('b'), 'ask', n));
    await settle();
    let drained = false;
    void dispatcher.drain().then(() => (drained = true));
    await end('a1');
    expect([drained, dispatcher.load]).toEqual([false, { running: 1, waiting: 0 }]);
    await end('a2');
    expect(await Promise.all(asked)).toEqual(['a1', 'a2']);
    expect(drained).toBe(true);
  });

  it('keeps its order and counts when it is removed while calls wait', async () => {
    const room = new Room('a', 'b');
    const { begun, handler, end } = controlled();
    const { dispatcher } = room.at('b');
    const remove = dispatcher.onMessage('note', handler, { order: 'per-sender', name: 'Notes.take' });
    for (const n of [1, 2]) await room.at('a').messenger.emit(memberOf('b'), 'note', n);
    remove();
    await end('a1');
    expect(dispatcher.stats).toMatchObject([{ name: 'Notes.take', running: 1, waiting: 0 }]);
    await end('a2');
    expect(begun).toEqual(['a1', 'a2']);
    expect(dispatcher.stats).toEqual([]);
  });
});

describe('handlers are counted', () => {
  it('each for itself: what runs, what waits, what was called and what failed', async () => {
    const room = new Room('a', 'b');
    const { dispatcher } = room.at('b');
    const { messenger } = room.at('a');
    const slow = controlled();
    dispatcher.onMessage('note', slow.handler, { concurrency: 1, name: 'Notes.slow' });
    dispatcher.onMessage('note', () => {
      throw new RangeError('bad');
    });
    dispatcher.onMessage(undefined, () => undefined, { name: 'Raw.take' });
    dispatcher.onRequest('ask', () => Promise.reject(new RangeError('bad')), { name: 'Asks.fail' });
    for (const n of [1, 2, 3]) await messenger.emit(memberOf('b'), 'note', n);
    await messenger.send(memberOf('b'), Buffer.from('x'));
    await expect(messenger.request(memberOf('b'), 'ask', 1)).rejects.toThrow('The handler failed');
    await settle();
    expect(dispatcher.stats).toEqual([
      { name: 'Notes.slow', kind: 'message', pattern: 'note', running: 1, waiting: 2, calls: 1, errors: 0 },
      {
        name: 'the handler of "note"',
        kind: 'message',
        pattern: 'note',
        running: 0,
        waiting: 0,
        calls: 3,
        errors: 3,
      },
      { name: 'Raw.take', kind: 'message', pattern: undefined, running: 0, waiting: 0, calls: 1, errors: 0 },
      { name: 'Asks.fail', kind: 'request', pattern: 'ask', running: 0, waiting: 0, calls: 1, errors: 1 },
    ]);
    expect(dispatcher.load).toEqual({ running: 1, waiting: 2 });
    for (const call of ['a1', 'a2', 'a3']) await slow.end(call);
  });
});

describe('bad options of a handler are refused, and say whose', () => {
  const { dispatcher } = new Room('a').at('a');

  it.each([
    [{ concurrency: 0 }, 'Prices.find: concurrency is 0, but must be an integer from 1 on'],
    [{ concurrency: 1.5 }, 'Prices.find: concurrency is 1.5, but must be an integer from 1 on'],
    [{ concurrency: Number.NaN }, 'Prices.find: concurrency is NaN'],
    [{ concurrency: Number.POSITIVE_INFINITY }, 'Prices.find: concurrency is Infinity'],
    [{ concurrency: '2' }, 'Prices.find: concurrency is "2"'],
    [{ order: 'strict' }, `Prices.find: order is "strict", but must be 'per-sender' or left out`],
    [{ order: true }, 'Prices.find: order is true'],
  ])('%j', (wrong, message) => {
    const options = { ...wrong, name: 'Prices.find' } as HandlerOptions;
    for (const add of [
      () => dispatcher.onMessage('x', () => undefined, options),
      () => dispatcher.onRequest('x', () => undefined, options),
    ]) {
      expect(add).toThrow(InvalidHandlerError);
      expect(add).toThrow(message);
    }
    expect(dispatcher.stats).toEqual([]);
  });
});

describe("between nodes, order: 'per-sender'", () => {
  let cluster = new VirtualCluster();

  afterEach(async () => {
    await cluster.close();
    cluster = new VirtualCluster();
  });

  it('holds for every sender, with the concurrency of all of them, and a slow sender holds nobody else back', async () => {
    const [a, b, c] = await cluster.start('a', 'b', 'c');
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    c!.onMessage(
      'note',
      async (n, { sender }) => {
        most = Math.max(most, ++running);
        const { clock } = cluster;
        await new Promise<void>((resolve) => clock.setTimer(sender.name === 'a' ? 100 : 1, resolve));
        running--;
        seen.push(`${sender.name}${String(n)}`);
      },
      { order: 'per-sender', concurrency: 2 },
    );
    const sent = [a!, b!].flatMap((from) =>
      Array.from({ length: 20 }, (_, i) => from.emit(c!.local, 'note', i)),
    );
    await cluster.advance(90);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `b${i}`));
    await cluster.until(() => seen.length === 40);
    expect(seen.slice(20)).toEqual(Array.from({ length: 20 }, (_, i) => `a${i}`));
    expect(most).toBe(2);
    await Promise.all(sent);
  });

  it('makes two nodes wait for each other that request each other, until the timeout: what its documentation warns of', async () => {
    const nodes = await cluster.start('a', 'b');
    const [a, b] = nodes;
    const ended: string[] = [];
    for (const node of nodes) {
      node.onRequest(
        'ask',
        async (depth, { sender }) => {
          if (depth === 0) return 'deep';
          return node.request(sender, 'ask', 0, { timeoutMs: 2000 }).catch((error: Error) => error.name);
        },
        { order: 'per-sender' },
      );
    }
    for (const [from, to] of [
      [a!, b!],
      [b!, a!],
    ] as const) {
      const asked = from.request(to.local, 'ask', 1, { timeoutMs: 10_000 });
      void asked.then((answer) => ended.push(String(answer)));
    }
    await cluster.advance(1900);
    expect(ended).toEqual([]);
    await cluster.advance(1000);
    expect(ended).toEqual(['RequestTimeoutError', 'RequestTimeoutError']);
  });
});
