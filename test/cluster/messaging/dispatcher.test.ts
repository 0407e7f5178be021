import { describe, expect, it } from '@jest/globals';
import { Dispatcher, type DispatcherNode, type Replies } from '../../../src/cluster/messaging/dispatcher.js';
import { Kind, Patterns, encodePatternMeta } from '../../../src/cluster/messaging/envelope.js';
import { memberOf } from '../../support/members.js';

const sender = memberOf('a');

const node: DispatcherNode = {
  find: () => sender,
  epochMs: () => 0,
  correlationId: () => 'c-1',
  handlerFailed: () => undefined,
  unreadable: () => undefined,
  violation: () => undefined,
  debug: () => undefined,
};

/** A dispatcher, what its handlers saw, and how often each message was released. */
class Desk {
  readonly dispatcher = new Dispatcher(node, 1);
  readonly seen: string[] = [];
  readonly released: number[] = [];

  constructor(private readonly pattern: string | undefined) {}

  /** A handler that notes its name and the message, and does something else at the first one. */
  add(name: string, meanwhile?: () => void): () => void {
    let first = true;
    return this.handle((text) => {
      this.seen.push(`${name}:${text}`);
      if (first) meanwhile?.();
      first = false;
    });
  }

  handle(handler: (text: string) => unknown): () => void {
    return this.dispatcher.onMessage(this.pattern, (data) =>
      handler(Buffer.from(data as Uint8Array).toString()),
    );
  }

  receive(text: string): string {
    const { pattern } = this;
    const at = this.released.push(0) - 1;
    return this.dispatcher.receive(
      {
        from: sender.id,
        stream: 0,
        correlation: 0,
        kind: pattern === undefined ? Kind.raw : Kind.event,
        meta:
          pattern === undefined
            ? new Uint8Array(0)
            : encodePatternMeta(patterns.of(pattern).bytes, undefined),
        payload: Buffer.from(text),
        release: () => void this.released[at]!++,
      },
      { decode: (_, payload) => payload } as Replies,
    );
  }
}

const patterns = new Patterns();

describe.each([
  ['events', 'note'],
  ['raw messages', undefined],
])('handlers of %s', (_, pattern) => {
  it('that are removed in mid-delivery still get the message, which is released once', () => {
    const desk = new Desk(pattern);
    const removals: (() => void)[] = [];
    removals.push(desk.add('first', () => removals.forEach((remove) => remove())));
    removals.push(desk.add('second'), desk.add('third'));
    expect(desk.receive('x')).toBe('held');
    expect(desk.seen).toEqual(['first:x', 'second:x', 'third:x']);
    expect(desk.released).toEqual([1]);
    expect(desk.receive('y')).toBe('no-receiver');
    expect(desk.seen).toHaveLength(3);
  });

  it('that are added in mid-delivery get the next message, not this one', () => {
    const desk = new Desk(pattern);
    desk.add('first', () => desk.add('late'));
    desk.add('second');
    desk.receive('x');
    expect(desk.seen).toEqual(['first:x', 'second:x']);
    expect(desk.released).toEqual([1]);
    desk.receive('y');
    expect(desk.seen.slice(2)).toEqual(['first:y', 'second:y', 'late:y']);
    expect(desk.released).toEqual([1, 1]);
  });

  it('that replace themselves in mid-delivery get each message once', () => {
    const desk = new Desk(pattern);
    const remove = desk.add('old', () => {
      remove();
      desk.add('new');
    });
    desk.receive('x');
    desk.receive('y');
    expect(desk.seen).toEqual(['old:x', 'new:y']);
    expect(desk.released).toEqual([1, 1]);
  });

  it('release a message when the last of them has finished, whoever was added or removed meanwhile', async () => {
    const desk = new Desk(pattern);
    const finish: (() => void)[] = [];
    const slow = () => new Promise<void>((resolve) => finish.push(resolve));
    const removals = [desk.handle(slow), desk.handle(slow)];
    desk.receive('x');
    for (const remove of removals) remove();
    desk.add('late');
    finish[0]!();
    await settle();
    expect(desk.released).toEqual([0]);
    finish[1]!();
    await settle();
    expect(desk.released).toEqual([1]);
    expect(desk.seen).toEqual([]);
  });

  it('that are removed get what waits for them', async () => {
    const desk = new Desk(pattern);
    const seen: string[] = [];
    let finish!: () => void;
    const remove = desk.handle((text) => {
      seen.push(text);
      return new Promise<void>((resolve) => (finish = resolve));
    });
    desk.receive('x');
    desk.receive('y');
    remove();
    finish();
    await settle();
    finish();
    await settle();
    expect(seen).toEqual(['x', 'y']);
    expect(desk.released).toEqual([1, 1]);
  });

  it('stay when the removal of one that has gone before them is called again', () => {
    const desk = new Desk(pattern);
    const remove = desk.add('gone');
    remove();
    desk.add('here');
    remove();
    expect(desk.receive('x')).toBe('held');
    expect(desk.seen).toEqual(['here:x']);
  });

  it('that are removed while they run are waited for by a drain, and counted until they are done', async () => {
    const desk = new Desk(pattern);
    const finish: (() => void)[] = [];
    const remove = desk.handle(() => new Promise<void>((resolve) => finish.push(resolve)));
    desk.receive('one');
    desk.receive('two');
    remove();
    remove();
    let drained = false;
    const draining = desk.dispatcher.drain().then(() => (drained = true));
    await settle();
    expect([drained, desk.dispatcher.load]).toEqual([false, { running: 1, waiting: 1 }]);
    finish.shift()!();
    await settle();
    expect([drained, desk.dispatcher.load]).toEqual([false, { running: 1, waiting: 0 }]);
    finish.shift()!();
    await draining;
    expect(desk.dispatcher.load).toEqual({ running: 0, waiting: 0 });
    expect(desk.released).toEqual([1, 1]);
  });
});

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe('a request', () => {
  it.each([
    ['at once', () => 'answer'],
    ['later', async () => 'answer'],
    [
      'by an error',
      () => {
        throw new Error('no');
      },
    ],
  ])('that is answered %s is waited for by a drain, until its answer has arrived', async (_, handler) => {
    const dispatcher = new Dispatcher(node, 1);
    dispatcher.onRequest('ask', handler);
    const sent: (() => void)[] = [];
    let released = 0;
    dispatcher.receive(
      {
        from: sender.id,
        stream: 0,
        kind: Kind.request,
        correlation: 1,
        meta: encodePatternMeta(patterns.of('ask').bytes, undefined),
        payload: new Uint8Array(0),
        release: () => void released++,
      },
      {
        decode: () => undefined,
        reply: (_to, _id, _stream, _failure, _value, _meta, settled) => void sent.push(() => settled()),
      } as Partial<Replies> as Replies,
    );
    let drained = false;
    const draining = dispatcher.drain().then(() => (drained = true));
    await settle();
    expect([sent.length, drained, released]).toEqual([1, false, 0]);
    sent[0]!();
    await draining;
    expect(released).toBe(1);
  });
});
