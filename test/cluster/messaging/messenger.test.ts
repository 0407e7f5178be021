import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { messagePack } from '../../../src/cluster/messaging/msgpack-serializer.js';
import {
  BroadcastFailedError,
  DeliveryUncertainError,
  InvalidHandlerError,
  MemberDrainingError,
  NoHandlerError,
  NoReceiverError,
  NotDeliveredError,
  PayloadTooLargeError,
  RemoteError,
  ReplyError,
  RequestTimeoutError,
  SerializationError,
  UnknownMemberError,
} from '../../../src/errors.js';
import type { Member } from '../../../src/membership/membership.js';
import { memberOf } from '../../support/members.js';
import { Room, settle } from './room.js';

describe('a message', () => {
  it('reaches every handler of its pattern with data, sender and headers', async () => {
    const room = new Room('a', 'b');
    const seen: unknown[] = [];
    room
      .at('b')
      .dispatcher.onMessage('hello', (data, message) =>
        seen.push([data, message.sender.name, message.headers]),
      );
    room.at('b').dispatcher.onMessage('hello', (data) => seen.push(data));
    await room.at('a').messenger.emit(memberOf('b'), 'hello', { n: 1 }, { headers: { trace: 't' } });
    expect(seen).toEqual([[{ n: 1 }, 'a', { trace: 't' }], { n: 1 }]);
    expect(room.unreleased).toBe(0);
  });

  it('of bytes skips the serializer and arrives as bytes', async () => {
    const room = new Room('a', 'b');
    const seen: unknown[] = [];
    room.at('b').dispatcher.onMessage('raw', (data) => seen.push(data));
    await room.at('a').messenger.emit(memberOf('b').id, 'raw', new Uint8Array([1, 2]));
    expect(seen).toEqual([new Uint8Array([1, 2])]);
  });

  it('for nobody rejects with NoReceiverError', async () => {
    const room = new Room('a', 'b');
    await expect(room.at('a').messenger.emit(memberOf('b'), 'nobody', 1)).rejects.toBeInstanceOf(
      NoReceiverError,
    );
    await expect(room.at('a').messenger.send(memberOf('b'), Buffer.from('x'))).rejects.toBeInstanceOf(
      NoReceiverError,
    );
  });

  it('to the node itself goes through the codec, after the call', async () => {
    const room = new Room('a');
    const sent = { list: [1] };
    const seen: unknown[] = [];
    room.at('a').dispatcher.onMessage('self', (data) => seen.push(data));
    const sending = room.at('a').messenger.emit(memberOf('a'), 'self', sent);
    expect(seen).toEqual([]);
    await sending;
    expect(seen).toEqual([sent]);
    expect(seen[0]).not.toBe(sent);
  });

  it('keeps its credit until its handlers have finished, and more than the concurrency waits', async () => {
    const room = new Room('a', 'b');
    const finish: (() => void)[] = [];
    room.at('b').dispatcher.onMessage('slow', () => new Promise<void>((resolve) => finish.push(resolve)));
    for (let i = 0; i < 3; i++) await room.at('a').messenger.emit(memberOf('b'), 'slow', i);
    expect([finish.length, room.unreleased]).toEqual([2, 3]);
    finish[0]!();
    await settle();
    expect([finish.length, room.unreleased]).toEqual([3, 2]);
    expect(room.at('b').dispatcher.load).toEqual({ running: 2, waiting: 0 });
  });

  it('whose handler throws or rejects is logged once, harms nobody and frees its credit', async () => {
    const room = new Room('a', 'b');
    const { dispatcher, failures } = room.at('b');
    dispatcher.onMessage('bad', () => Promise.reject(new Error('rejected')), { name: 'Prices.bad' });
    dispatcher.onMessage('bad', () => {
      throw new Error('thrown');
    });
    await room.at('a').messenger.emit(memberOf('b'), 'bad', 1);
    await settle();
    expect(failures.sort()).toEqual(['Prices.bad: rejected', 'the handler of "bad": thrown']);
    expect(room.unreleased).toBe(0);
  });

  it('to nobody, or to one who left, rejects at once', async () => {
    const room = new Room('a', 'b');
    const { messenger } = room.at('a');
    room.members[1] = memberOf('b', { state: 'left' });
    await expect(messenger.emit(memberOf('b'), 'x', 1)).rejects.toThrow('has left');
    await expect(messenger.emit('nonsense', 'x', 1)).rejects.toBeInstanceOf(UnknownMemberError);
  });

  it.each([[5], [{}], [new ArrayBuffer(3)], ['text'], [new Uint16Array(2)], [undefined]])(
    'that is no bytes is refused by send and broadcast: %p',
    async (payload) => {
      const { messenger } = new Room('a', 'b').at('a');
      await expect(messenger.send(memberOf('b'), payload as Uint8Array)).rejects.toThrow('take bytes');
      await expect(messenger.broadcast(payload as Uint8Array)).rejects.toBeInstanceOf(SerializationError);
    },
  );

  it.each([[undefined], [null], [{}], [{ id: 5 }]])('to %p rejects with UnknownMemberError', async (to) => {
    const { messenger } = new Room('a', 'b').at('a');
    const recipient: unknown = to;
    await expect(messenger.send(recipient as Member, new Uint8Array(1))).rejects.toBeInstanceOf(
      UnknownMemberError,
    );
    await expect(messenger.emit(recipient as Member, 'x', 1)).rejects.toBeInstanceOf(UnknownMemberError);
    await expect(messenger.request(recipient as Member, 'x', 1)).rejects.toBeInstanceOf(UnknownMemberError);
  });

  it('over the limit is refused with the limit named', async () => {
    const { messenger } = new Room('a', 'b').at('a');
    await expect(messenger.send(memberOf('b'), new Uint8Array(1001))).rejects.toBeInstanceOf(
      PayloadTooLargeError,
    );
    await expect(messenger.broadcast(new Uint8Array(1001))).rejects.toThrow('limits.payloadBytes');
  });

  it('with a header that is no envelope is counted as a violation', () => {
    const { messenger, failures } = new Room('a', 'b').at('b');
    const incoming = {
      from: memberOf('a').id,
      stream: 0,
      kind: 2,
      meta: new Uint8Array(1),
      correlation: 1,
      payload: new Uint8Array(0),
      release() {},
    };
    expect(messenger.receive(incoming)).toBe('no-receiver');
    expect(failures).toEqual(['short-meta']);
  });
});

describe('an answer', () => {
  const answer = (kind: number, requestId: number, payload: Uint8Array) => {
    let released = 0;
    return {
      from: memberOf('b').id,
      stream: 64,
      kind,
      meta: new Uint8Array(0),
      correlation: requestId,
      payload,
      release: () => void released++,
      get released() {
        return released;
      },
    };
  };

  it('to one who has gone meanwhile rejects at once, so that its handler does not run for ever', async () => {
    const room = new Room('a', 'b');
    const b = room.at('b');
    let finish = (_answer: string): void => undefined;
    b.dispatcher.onRequest('ask', () => new Promise((resolve) => (finish = resolve)));
    room
      .at('a')
      .messenger.request(memberOf('b'), 'ask', 1)
      .catch(() => undefined);
    await settle();
    expect([b.dispatcher.load.running, room.unreleased]).toEqual([1, 1]);
    room.members[0] = memberOf('a', { state: 'left' });
    // The transport has given a up already: it would keep an answer for ever.
    room.stuck = true;
    finish('too late');
    await settle();
    expect([b.dispatcher.load.running, room.unreleased]).toEqual([0, 0]);
  });

  it('carries the headers that its handler set, with an error as with a reply', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('x', (data, message) => {
      message.setReplyHeaders({ lost: 'x' });
      message.setReplyHeaders({ trace: String(data) });
      if (data === 'fail') throw new ReplyError('NO', 'no');
      return 'yes';
    });
    const seen: unknown[] = [];
    const options = { onReplyHeaders: (headers: unknown) => seen.push(headers) };
    const ask = (data: unknown) => room.at('a').messenger.request(memberOf('b'), 'x', data, options);
    expect(await ask('t')).toBe('yes');
    await expect(ask('fail')).rejects.toThrow(RemoteError);
    expect(seen).toEqual([{ trace: 't' }, { trace: 'fail' }]);
  });

  it('whose headers are over their limit is an error of its handler, and a listener that throws harms no answer', async () => {
    const room = new Room('a', 'b');
    const { dispatcher, failures } = room.at('b');
    dispatcher.onRequest('big', (_data, message) => message.setReplyHeaders({ big: 'x'.repeat(5000) }));
    dispatcher.onRequest('plain', () => 'yes');
    const { messenger } = room.at('a');
    await expect(messenger.request(memberOf('b'), 'big', null)).rejects.toThrow('The handler failed');
    expect(failures[0]).toContain('headers');
    const onReplyHeaders = (): void => {
      throw new TypeError('broken listener');
    };
    expect(await messenger.request(memberOf('b'), 'plain', null, { onReplyHeaders })).toBe('yes');
    expect(room.at('a').failures).toEqual(['onReplyHeaders of a request "plain": broken listener']);
  });

  it('that nobody waits for is dropped unread', () => {
    const { messenger, failures } = new Room('a', 'b').at('a');
    const junk = answer(3, 77, Buffer.from('c1', 'hex'));
    expect(messenger.receive(junk)).toBe('held');
    expect(junk.released).toBe(1);
    expect(failures).toEqual([]);
  });

  it('that cannot be read fails its request', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('never', () => new Promise(() => undefined));
    const { messenger, failures } = room.at('a');
    const failed = expect(messenger.request(memberOf('b'), 'never', 1)).rejects.toThrow('is not readable');
    await settle();
    messenger.receive(answer(3, 2, Buffer.from('c1', 'hex')));
    await failed;
    expect(failures).toEqual(['unreadable']);
  });
});

describe('a request that cannot be read', () => {
  it('is answered so, counted, and no failure of its handler', async () => {
    const room = new Room('a', 'b');
    let called = false;
    room.at('b').dispatcher.onRequest('sum', () => (called = true));
    const { messenger } = room.at('a');
    const deep = JSON.parse('['.repeat(65) + ']'.repeat(65)) as unknown;
    const bytes = messagePack({ valueDepth: 100 }).serialize(deep);
    room.tamper = (payload, kind) => (kind === 2 ? bytes : payload);
    await expect(messenger.request(memberOf('b'), 'sum', 1)).rejects.toMatchObject({
      code: 'CLUSTER_REMOTE',
      remoteCode: 'UNREADABLE',
    });
    expect([called, room.at('b').failures, room.unreleased]).toEqual([false, ['unreadable'], 0]);
  });
});

describe('a broadcast', () => {
  it('goes to all but the sender and tells who did not get it', async () => {
    const room = new Room('a', 'b', 'c');
    const seen: string[] = [];
    room.at('b').dispatcher.onMessage('news', () => seen.push('b'));
    const outcome = await room.at('a').messenger.emitAll('news', 1);
    expect(seen).toEqual(['b']);
    expect(outcome.delivered.map((member) => member.name)).toEqual(['b']);
    expect(outcome.failed).toMatchObject([{ member: { name: 'c' }, error: { code: 'CLUSTER_NO_RECEIVER' } }]);
  });

  it('goes to the sender as well when asked', async () => {
    const room = new Room('a');
    const { messenger, dispatcher } = room.at('a');
    const seen: unknown[] = [];
    dispatcher.onMessage('news', (data) => seen.push(data));
    expect((await messenger.emitAll('news', 1, { includeSelf: true })).delivered).toHaveLength(1);
    expect(seen).toEqual([1]);
    expect(await messenger.emitAll('news', 1)).toEqual({ delivered: [], failed: [] });
  });

  it('that reaches nobody rejects with the outcome', async () => {
    const { messenger } = new Room('a', 'b').at('a');
    await expect(messenger.broadcast(new Uint8Array(1))).rejects.toBeInstanceOf(BroadcastFailedError);
  });
});

describe('a request', () => {
  it('resolves with what the handler returns or resolves with', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('sync', (data) => ({ got: data }));
    room.at('b').dispatcher.onRequest('async', async (data) => ({ later: data }));
    const { messenger } = room.at('a');
    expect(await messenger.request(memberOf('b'), 'sync', 1)).toEqual({ got: 1 });
    expect(await messenger.request(memberOf('b'), 'async', undefined)).toEqual({ later: undefined });
    await settle();
    expect([room.unreleased, messenger.requestsInFlight]).toEqual([0, 0]);
  });

  it('without a handler rejects with NoHandlerError', async () => {
    const { messenger } = new Room('a', 'b').at('a');
    await expect(messenger.request(memberOf('b'), 'none', 1)).rejects.toBeInstanceOf(NoHandlerError);
    expect(messenger.requestsInFlight).toBe(0);
  });

  it('tells the caller what a ReplyError says, and of other errors only where to find them', async () => {
    const room = new Room('a', 'b');
    const { dispatcher, failures } = room.at('b');
    dispatcher.onRequest('told', () => {
      throw new ReplyError('SOLD_OUT', 'none left', { sku: 'x' });
    });
    dispatcher.onRequest('secret', () => Promise.reject(new Error('password is 123')));
    const { messenger } = room.at('a');
    const told = await messenger.request(memberOf('b'), 'told', 1).catch((error: unknown) => error);
    expect(told).toBeInstanceOf(RemoteError);
    expect(told).toMatchObject({ remoteCode: 'SOLD_OUT', message: 'none left', response: { sku: 'x' } });
    const secret = await messenger.request(memberOf('b'), 'secret', 1).catch((error: unknown) => error);
    expect(secret).toMatchObject({ remoteCode: 'INTERNAL', correlationId: 'c-1' });
    expect(JSON.stringify(secret)).not.toContain('123');
    expect(failures).toEqual(['the handler of "secret" [c-1]: password is 123']);
  });

  it('whose answer cannot be serialized fails at the caller and is logged here', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('map', () => new Map());
    await expect(room.at('a').messenger.request(memberOf('b'), 'map', 1)).rejects.toMatchObject({
      remoteCode: 'INTERNAL',
    });
    expect(room.at('b').failures[0]).toContain('Map cannot be serialized');
  });

  it('without an answer times out', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('never', () => new Promise(() => undefined));
    const asked = room.at('a').messenger.request(memberOf('b'), 'never', 1, { timeoutMs: 100 });
    const failed = expect(asked).rejects.toBeInstanceOf(RequestTimeoutError);
    await settle();
    room.clock.runFor(200);
    await failed;
  });

  it.each([[Number.NaN], [0], [-1], ['100'], [Number.POSITIVE_INFINITY]])(
    'with the timeout %p is refused',
    async (timeoutMs) => {
      const { messenger } = new Room('a', 'b').at('a');
      const options = { timeoutMs: timeoutMs as number };
      await expect(messenger.request(memberOf('b'), 'x', 1, options)).rejects.toThrow('"timeoutMs" is');
    },
  );

  it('settles at once when its recipient is gone', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('never', () => new Promise(() => undefined));
    const asked = room.at('a').messenger.request(memberOf('b'), 'never', 1);
    const failed = expect(asked).rejects.toBeInstanceOf(DeliveryUncertainError);
    await settle();
    room.at('a').messenger.forget(memberOf('b').id, 'left');
    await failed;
  });

  it('leaves it to the transport whether anything was sent when its recipient is gone, and another one is asked', async () => {
    const room = new Room('a', 'b', 'c');
    room.at('c').dispatcher.onRequest('x', () => 'from c');
    const { messenger } = room.at('a');
    room.stuck = true;
    const asked = messenger.request(memberOf('b'), 'x', 1);
    const failed = expect(asked).rejects.toBeInstanceOf(NotDeliveredError);
    const any = messenger.requestAny('x', 1);
    await settle();
    room.stuck = false;
    // As the node does it: its transport first.
    room.givenUp.abort();
    messenger.forget(memberOf('b').id, 'became unreachable');
    await failed;
    await expect(any).resolves.toBe('from c');
  });

  it('settles at once when it is aborted', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('never', () => new Promise(() => undefined));
    const aborter = new AbortController();
    const asked = room.at('a').messenger.request(memberOf('b'), 'never', 1, { signal: aborter.signal });
    const failed = expect(asked).rejects.toBeInstanceOf(DeliveryUncertainError);
    await settle();
    aborter.abort();
    await failed;
    const already = room.at('a').messenger.request(memberOf('b'), 'never', 1, { signal: aborter.signal });
    await expect(already).rejects.toBeInstanceOf(NotDeliveredError);
  });

  it('leaves it to the transport whether anything was sent when it is aborted', async () => {
    const room = new Room('a', 'b');
    room.at('b').dispatcher.onRequest('never', () => new Promise(() => undefined));
    const { messenger } = room.at('a');
    const aborter = new AbortController();
    const { signal } = aborter;
    // It is sent, so that from now on the messenger's listener comes before the transport's.
    const first = messenger.request(memberOf('b'), 'never', 1, { signal });
    const firstFailed = expect(first).rejects.toBeInstanceOf(DeliveryUncertainError);
    await settle();
    room.stuck = true;
    const second = messenger.request(memberOf('b'), 'never', 2, { signal });
    const secondFailed = expect(second).rejects.toBeInstanceOf(NotDeliveredError);
    aborter.abort();
    await Promise.all([firstFailed, secondFailed]);
  });

  it('rejects at once when it cannot be serialized', async () => {
    const { messenger } = new Room('a', 'b').at('a');
    await expect(messenger.request(memberOf('b'), 'x', new Map())).rejects.toBeInstanceOf(SerializationError);
    expect(messenger.requestsInFlight).toBe(0);
  });

  it('has one handler per pattern', () => {
    const { dispatcher } = new Room('a').at('a');
    const remove = dispatcher.onRequest('x', () => 1, { name: 'First.x' });
    expect(() => dispatcher.onRequest('x', () => 2)).toThrow(InvalidHandlerError);
    expect(() => dispatcher.onRequest('x', () => 2)).toThrow('First.x');
    remove();
    expect(() => dispatcher.onRequest('x', () => 2)).not.toThrow();
  });

  it('is refused with MemberDrainingError while the node drains, and draining waits for what runs', async () => {
    const room = new Room('a', 'b');
    let finish!: () => void;
    room
      .at('b')
      .dispatcher.onRequest('slow', () => new Promise<string>((resolve) => (finish = () => resolve('done'))));
    const asked = room.at('a').messenger.request(memberOf('b'), 'slow', 1);
    await settle();
    let drained = false;
    const drain = room
      .at('b')
      .dispatcher.drain()
      .then(() => (drained = true));
    await expect(room.at('a').messenger.request(memberOf('b'), 'slow', 1)).rejects.toBeInstanceOf(
      MemberDrainingError,
    );
    expect(drained).toBe(false);
    finish();
    expect(await asked).toBe('done');
    await drain;
  });
});

describe('a request to any member', () => {
  it('goes to each in rotation', async () => {
    const room = new Room('a', 'b', 'c');
    for (const name of ['b', 'c']) room.at(name).dispatcher.onRequest('who', () => name);
    const { messenger } = room.at('a');
    const answers = [await messenger.requestAny('who', 1), await messenger.requestAny('who', 1)];
    expect(new Set(answers)).toEqual(new Set(['b', 'c']));
  });

  it('skips members that drain, are not wanted or have no handler', async () => {
    const room = new Room('a', 'b', 'c', 'd', 'e');
    room.members[1] = memberOf('b', { health: 'draining' });
    for (const name of ['b', 'c', 'd']) room.at(name).dispatcher.onRequest('who', () => name);
    const { messenger } = room.at('a');
    for (let i = 0; i < 4; i++) {
      expect(await messenger.requestAny('who', 1, { where: (member) => member.name !== 'c' })).toBe('d');
    }
  });

  it('rejects when none fits', async () => {
    const { messenger } = new Room('a').at('a');
    await expect(messenger.requestAny('who', 1)).rejects.toBeInstanceOf(UnknownMemberError);
  });
});

describe('a request to all members', () => {
  it('gathers an outcome for each', async () => {
    const room = new Room('a', 'b', 'c');
    room.at('b').dispatcher.onRequest('who', () => 'b');
    expect(await room.at('a').messenger.requestAll('who', 1)).toMatchObject([
      { member: { name: 'b' }, reply: 'b' },
      { member: { name: 'c' }, error: { code: 'CLUSTER_NO_HANDLER' } },
    ]);
  });

  it('listens to its signal once for all of them, and no longer than it lasts', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `n${i}`);
    const room = new Room('a', ...names);
    const replies: ((value: unknown) => void)[] = [];
    for (const name of names) {
      room.at(name).dispatcher.onRequest('who', () => new Promise((resolve) => replies.push(resolve)));
    }
    const { signal } = new AbortController();
    const asked = room.at('a').messenger.requestAll('who', 1, { signal });
    await settle();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const reply of replies) reply('here');
    expect((await asked).map(({ reply }) => reply)).toEqual(names.map(() => 'here'));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
