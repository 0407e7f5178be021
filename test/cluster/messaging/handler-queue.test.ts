import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { HandlerQueue } from '../../../src/cluster/messaging/handler-queue.js';

const queueOf = (concurrency: number) => new HandlerQueue<() => unknown>(concurrency, (call) => call());

function controlled(log: string[], name: string) {
  let finish!: () => void;
  const done = new Promise<void>((resolve) => (finish = resolve));
  return { call: () => (log.push(name), done), finish };
}

describe('a handler queue', () => {
  it('starts calls in order without awaiting the one before', () => {
    const log: string[] = [];
    const queue = queueOf(8);
    for (const name of ['a', 'b', 'c']) queue.push(controlled(log, name).call);
    expect(log).toEqual(['a', 'b', 'c']);
    expect(queue.running).toBe(3);
  });

  it('runs no more at once than allowed and starts the next when one finishes', async () => {
    const log: string[] = [];
    const queue = queueOf(1);
    const calls = ['a', 'b', 'c'].map((name) => controlled(log, name));
    for (const { call } of calls) queue.push(call);
    expect(log).toEqual(['a']);
    expect(queue.waiting).toBe(2);
    calls[0]!.finish();
    await Promise.resolve();
    expect(log).toEqual(['a', 'b']);
  });

  it('counts a call that returns no promise as finished at once', () => {
    const queue = queueOf(1);
    let ran = 0;
    for (let i = 0; i < 5; i++) queue.push(() => ran++);
    expect([ran, queue.running, queue.waiting]).toEqual([5, 0, 0]);
  });

  it('tells when nothing runs and nothing waits', async () => {
    const queue = queueOf(1);
    const calls = [controlled([], 'a'), controlled([], 'b')];
    for (const { call } of calls) queue.push(call);
    let idle = false;
    const whenIdle = queue.whenIdle().then(() => (idle = true));
    calls[0]!.finish();
    await Promise.resolve();
    await Promise.resolve();
    expect(idle).toBe(false);
    calls[1]!.finish();
    await whenIdle;
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('keeps nothing of a call that is done, however many have waited', async () => {
    const queue = new HandlerQueue<{ readonly payload: Uint8Array }>(1, () => Promise.resolve());
    const calls = Array.from({ length: 50 }, () => ({ payload: new Uint8Array(1024) }));
    const kept = calls.map((call) => new WeakRef(call));
    for (const call of calls.splice(0)) queue.push(call);
    await queue.whenIdle();
    // Weak references hold on to what they gave in the same turn.
    await new Promise((resolve) => setImmediate(resolve));
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    // The engine itself may still hold a few.
    expect(kept.filter((call) => call.deref() !== undefined).length).toBeLessThan(10);
    expect(queue.running).toBe(0);
  });
});
