import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  EMPTY,
  NEVER,
  Observable,
  Subject,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  toArray,
} from 'rxjs';
import { ClusterError, ClusterMessage, RemoteError } from '../../../src/index.js';
import { CALL } from '../../../src/nestjs/microservices/reply-stream-protocol.js';
import { ReplyStream } from '../../../src/nestjs/microservices/reply-stream.js';
import { ReplyStreams } from '../../../src/nestjs/microservices/reply-streams.js';
import { roughSize } from '../../../src/nestjs/microservices/rough-size.js';
import { until } from '../../support/until.js';
import { memberNamed } from '../fake-node.js';
import { Hybrids, clientOf } from './hybrid.js';

const limits = { bufferedValues: 4, batchBytes: 100, open: 2, idleMs: 60_000 };

describe('a stream of replies', () => {
  it('gives what is there, and waits when nothing is', async () => {
    const source = new Subject<number>();
    const stream = new ReplyStream(source, limits);
    source.next(1);
    source.next(2);
    expect(await stream.next(0)).toEqual({ values: [1, 2], isLast: false });
    const waiting = stream.next(2);
    source.next(3);
    source.complete();
    expect(await waiting).toEqual({ values: [3], isLast: true });
  });

  it('keeps values until their reader says that it has them: an answer that was lost loses none', async () => {
    const source = new Subject<number>();
    const stream = new ReplyStream(source, limits);
    source.next(1);
    expect((await stream.next(0)).values).toEqual([1]);
    source.next(2);
    expect((await stream.next(0)).values).toEqual([1, 2]);
    expect((await stream.next(1)).values).toEqual([2]);
  });

  it('answers a call that a later one replaces, without values', async () => {
    const source = new Subject<number>();
    const stream = new ReplyStream(source, limits);
    const given = stream.next(0);
    const later = stream.next(0);
    expect(await given).toEqual({ values: [], isLast: false });
    source.next(1);
    expect((await later).values).toEqual([1]);
  });

  it('tells an error after the values before it', async () => {
    const source = new Subject<number>();
    const stream = new ReplyStream(source, limits);
    source.next(1);
    source.error(new RangeError('broken'));
    expect(await stream.next(0)).toEqual({ values: [1], isLast: false });
    await expect(stream.next(1)).rejects.toThrow('broken');
  });

  it('ends with what was there when its source is empty, or sends all at once', async () => {
    expect(await new ReplyStream(EMPTY, limits).next(0)).toEqual({ values: [], isLast: true });
    expect(await new ReplyStream(from([1, 2, 3]), limits).next(0)).toEqual({
      values: [1, 2, 3],
      isLast: true,
    });
  });

  it('shares values out by streams.batchBytes, and sends a larger one alone', async () => {
    const text = 'x'.repeat(60);
    const stream = new ReplyStream(from([text, text, 'y'.repeat(1000)]), limits);
    expect((await stream.next(0)).values).toHaveLength(1);
    expect((await stream.next(1)).values).toHaveLength(1);
    expect(await stream.next(2)).toEqual({ values: ['y'.repeat(1000)], isLast: true });
  });

  it('whose reader is more than streams.bufferedValues behind ends with STREAM_OVERFLOW, and its source is left', async () => {
    let left = 0;
    const source = new Observable<number>((subscriber) => {
      for (let i = 0; i < 10 && !subscriber.closed; i++) subscriber.next(i);
      return () => left++;
    });
    const stream = new ReplyStream(source, limits);
    expect(left).toBe(1);
    expect((await stream.next(0)).values).toEqual([0, 1, 2, 3]);
    await expect(stream.next(4)).rejects.toThrow('streams.bufferedValues');
  });
});

describe('the streams of a server', () => {
  const message = (data: unknown, receivedAtMs = 0, headers = {}, sender = memberNamed('a')) =>
    ClusterMessage.of({
      sender,
      pattern: 'x',
      data,
      payload: new Uint8Array(0),
      headers,
      receivedAtMs,
      isRequest: true,
    });
  const ticking = (left: () => void = () => undefined) =>
    Promise.resolve(
      new Observable<number>((subscriber) => {
        subscriber.next(1);
        return left;
      }),
    );

  it('are 2 of streams.open at most, while requests that give one answer are not bounded', async () => {
    const streams = new ReplyStreams(limits);
    for (let i = 0; i < 5; i++)
      void streams.begin(() => Promise.resolve(NEVER), message(null)).catch(() => undefined);
    await streams.begin(() => ticking(), message(null));
    await streams.begin(() => ticking(), message(null));
    let left = 0;
    await expect(streams.begin(() => ticking(() => left++), message(null))).rejects.toThrow('streams.open');
    expect(left).toBe(1);
    streams.closeAll('X', 'the test is over');
    expect(streams.size).toBe(0);
  });

  it('are given up when nobody has asked for more for streams.idleMs', async () => {
    const streams = new ReplyStreams(limits);
    let left = 0;
    const { id } = await streams.begin(() => ticking(() => left++), message(null));
    await streams.begin(() => ticking(), message(null, 60_000));
    expect(left).toBe(0);
    await streams.begin(() => Promise.resolve(EMPTY), message(null, 60_001));
    expect(left).toBe(1);
    await expect(streams.next(message([id, 1], 60_001))).rejects.toThrow('no such stream');
  });

  it('belong to the member that asked', async () => {
    const streams = new ReplyStreams(limits);
    const { id } = await streams.begin(() => ticking(), message(null));
    const stranger = memberNamed('b');
    await expect(streams.next(message([id, 1], 0, {}, stranger))).rejects.toThrow('no such stream');
    streams.cancel(message([id], 0, {}, stranger));
    expect(streams.size).toBe(1);
    for (const bad of [null, [], [id], [id, 'x'], [1, 1], { id }])
      await expect(streams.next(message(bad))).rejects.toThrow('no such stream');
    streams.cancel(message([id]));
    expect(streams.size).toBe(0);
  });

  it('end before their first value when the call is given up', async () => {
    const streams = new ReplyStreams(limits);
    let left = 0;
    const silent = () => Promise.resolve(new Observable(() => () => left++));
    const waiting = streams.begin(silent, message(null, 0, { [CALL]: 'call' }));
    await Promise.resolve();
    streams.cancelCall(message(['other']));
    streams.cancelCall(message([undefined]));
    expect(streams.size).toBe(1);
    streams.cancelCall(message(['call']));
    await expect(waiting).rejects.toThrow('given up');
    expect(left).toBe(1);
  });
});

describe('the rough size of a value', () => {
  it('grows with what is in it, and is looked at no longer than needed', () => {
    expect(roughSize('x'.repeat(50), 1000)).toBeGreaterThanOrEqual(50);
    expect(roughSize(new Uint8Array(500), 1000)).toBeGreaterThanOrEqual(500);
    expect(roughSize({ a: ['x'.repeat(30), { b: 'x'.repeat(30) }] }, 1000)).toBeGreaterThanOrEqual(60);
    expect(
      roughSize(
        Array.from({ length: 1_000_000 }, () => 1),
        100,
      ),
    ).toBeGreaterThan(100);
    expect(roughSize(null, 100)).toBeLessThan(20);
  });
});

describe('streams between members', () => {
  const hybrids = new Hybrids();
  afterEach(() => hybrids.close());

  let running = 0;
  @Controller()
  class Streams {
    @MessagePattern('ticks')
    ticks() {
      return new Observable<number>((subscriber) => {
        running++;
        const ticks = interval(10).subscribe(subscriber);
        return () => {
          running--;
          ticks.unsubscribe();
        };
      });
    }
  }

  it('end with an error when the member that sends them shuts down, and do not hold that up', async () => {
    const server = await hybrids.start([Streams], { cluster: { drainTimeoutMs: 20_000 } });
    const client = clientOf(await hybrids.start());
    let seen = 0;
    const ended = new Promise((resolve) =>
      client.send('ticks', {}).subscribe({ next: () => seen++, error: resolve }),
    );
    await until('values come', () => seen > 2);
    const startedAtMs = performance.now();
    await server.app.close();
    expect(performance.now() - startedAtMs).toBeLessThan(15_000);
    // MEMBER_DRAINING where it waited for values; what the transport says where it was about to ask for more.
    const error = await ended;
    if (error instanceof RemoteError) expect(error.remoteCode).toBe('MEMBER_DRAINING');
    else expect(error).toBeInstanceOf(ClusterError);
    expect(running).toBe(0);
  });

  it('end at both sides when the reader leaves without a word', async () => {
    const server = await hybrids.start([Streams]);
    const reader = await hybrids.start();
    const ended = new Promise((resolve) => clientOf(reader).send('ticks', {}).subscribe({ error: resolve }));
    await until('the source runs', () => running === 1);
    await reader.membership.leave();
    await until('the source is left', () => running === 0);
    expect(await ended).toBeInstanceOf(Error);
    expect(server.membership.stats.handlersRunning).toBe(0);
  });

  it('end at both sides when the sender leaves without a word', async () => {
    const server = await hybrids.start([Streams]);
    const client = clientOf(await hybrids.start());
    const ended = new Promise((resolve) => client.send('ticks', {}).subscribe({ error: resolve }));
    await until('the source runs', () => running === 1);
    await server.membership.leave();
    expect(await ended).toBeInstanceOf(ClusterError);
    expect(running).toBe(0);
  });

  it('are read by two servers and many clients at once, each its own', async () => {
    @Controller()
    class Counting {
      @MessagePattern('count')
      count(upTo: number) {
        return from(Array.from({ length: upTo }, (_, i) => i));
      }
    }
    await hybrids.start([Counting]);
    await hybrids.start([Counting]);
    const client = clientOf(await hybrids.start());
    const counts = await Promise.all(
      Array.from({ length: 50 }, (_, i) => lastValueFrom(client.send('count', i * 40).pipe(toArray()))),
    );
    expect(counts.map((values) => values.length)).toEqual(Array.from({ length: 50 }, (_, i) => i * 40));
    expect(await firstValueFrom(client.send('count', 5))).toBe(0);
  });
});
