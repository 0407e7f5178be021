import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SenderQueue } from '../../../src/cluster/messaging/sender-queue.js';

interface Call {
  readonly sender: string;
  readonly number: number;
  readonly run: () => unknown;
}

/** A queue, which of its calls were started, and how to end them. */
class Counter {
  readonly started: string[] = [];
  readonly running = new Map<string, () => void>();
  readonly queue: SenderQueue<Call>;

  constructor(concurrency: number) {
    this.queue = new SenderQueue(
      concurrency,
      ({ sender }) => sender,
      (call) => {
        this.started.push(`${call.sender}${call.number}`);
        return call.run();
      },
    );
  }

  push(sender: string, number: number): void {
    const run = () =>
      new Promise<void>((resolve) => {
        this.running.set(`${sender}${number}`, resolve);
      });
    this.queue.push({ sender, number, run });
  }

  pushAtOnce(sender: string, number: number, run: () => void = () => undefined): void {
    this.queue.push({ sender, number, run });
  }

  async finish(call: string): Promise<void> {
    this.running.get(call)!();
    this.running.delete(call);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await Promise.resolve();
}

describe('a queue in order of each sender', () => {
  it('starts the next call of a sender when the one before has finished, and others meanwhile', async () => {
    const counter = new Counter(8);
    for (const number of [1, 2, 3]) counter.push('a', number);
    counter.push('b', 1);
    expect(counter.started).toEqual(['a1', 'b1']);
    await counter.finish('a1');
    expect(counter.started).toEqual(['a1', 'b1', 'a2']);
    expect([counter.queue.running, counter.queue.waiting, counter.queue.calls]).toEqual([2, 1, 3]);
  });

  it('goes on after a call whose promise rejects', async () => {
    const counter = new Counter(1);
    counter.queue.push({ sender: 'a', number: 1, run: () => Promise.reject(new RangeError('bad')) });
    counter.push('a', 2);
    await settle();
    expect(counter.started).toEqual(['a1', 'a2']);
  });

  it('gives no place to a sender that waits for its own call', async () => {
    const counter = new Counter(2);
    for (const number of [1, 2, 3, 4]) counter.push('a', number);
    counter.push('b', 1);
    expect(counter.started).toEqual(['a1', 'b1']);
    counter.push('c', 1);
    expect(counter.queue.waiting).toBe(4);
    await counter.finish('b1');
    expect(counter.started).toEqual(['a1', 'b1', 'c1']);
  });

  it('lets senders take turns where places are few', async () => {
    const counter = new Counter(1);
    for (const number of [1, 2, 3]) counter.push('a', number);
    counter.push('b', 1);
    counter.push('c', 1);
    for (const call of ['a1', 'b1', 'c1', 'a2', 'a3']) await counter.finish(call);
    expect(counter.started).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
  });

  it('counts a call that returns no promise as finished at once, and starts none inside another', () => {
    const counter = new Counter(1);
    const log: string[] = [];
    counter.pushAtOnce('a', 1, () => {
      log.push('begin');
      counter.pushAtOnce('a', 2, () => log.push('a2'));
      counter.pushAtOnce('b', 1, () => log.push('b1'));
      log.push('end');
    });
    expect(log).toEqual(['begin', 'end', 'b1', 'a2']);
    expect([counter.queue.running, counter.queue.waiting, counter.queue.senders]).toEqual([0, 0, 0]);
  });

  it('takes ten thousand calls of one sender that return no promise, without a stack for each', async () => {
    const counter = new Counter(1);
    counter.push('a', 0);
    for (let number = 1; number <= 10_000; number++) counter.pushAtOnce('a', number);
    await counter.finish('a0');
    expect(counter.started).toHaveLength(10_001);
  });

  it('tells when nothing runs and nothing waits, and keeps nothing of senders then', async () => {
    const counter = new Counter(4);
    await counter.queue.whenIdle();
    for (const sender of ['a', 'b']) for (const number of [1, 2]) counter.push(sender, number);
    let idle = false;
    const whenIdle = counter.queue.whenIdle().then(() => (idle = true));
    for (const call of ['a1', 'b1', 'a2']) {
      await counter.finish(call);
      expect(idle).toBe(false);
    }
    expect(counter.queue.senders).toBe(1);
    await counter.finish('b2');
    await whenIdle;
    expect(counter.queue.senders).toBe(0);
  });

  it('tells it also when the last call was pushed and ended within another one', async () => {
    const counter = new Counter(1);
    let idle: Promise<void> | undefined;
    counter.pushAtOnce('a', 1, () => {
      counter.pushAtOnce('a', 2);
      idle = counter.queue.whenIdle();
    });
    await idle;
    expect(counter.started).toEqual(['a1', 'a2']);
  });

  it('keeps order, uses every place that it can, and loses no call, whatever comes and ends when', async () => {
    const step = fc.oneof(
      fc.record({ sender: fc.constantFrom('a', 'b', 'c', 'd'), atOnce: fc.boolean() }),
      fc.nat(7).map((end) => ({ end })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 60 }),
        async (concurrency, steps) => {
          const counter = new Counter(concurrency);
          const pushed = new Map<string, number>();
          for (const one of steps) {
            if ('sender' in one) {
              const number = (pushed.get(one.sender) ?? 0) + 1;
              pushed.set(one.sender, number);
              if (one.atOnce) counter.pushAtOnce(one.sender, number);
              else counter.push(one.sender, number);
            } else {
              const running = [...counter.running.keys()];
              if (running.length > 0) await counter.finish(running[one.end % running.length]!);
            }
            check(counter, concurrency, pushed);
          }
          while (counter.running.size > 0) await counter.finish([...counter.running.keys()][0]!);
          for (const [sender, last] of pushed) {
            const ofSender = counter.started.filter((call) => call.startsWith(sender));
            expect(ofSender).toEqual(Array.from({ length: last }, (_, i) => `${sender}${i + 1}`));
          }
          expect([counter.queue.running, counter.queue.waiting, counter.queue.senders]).toEqual([0, 0, 0]);
        },
      ),
    );
  });
});

/** What holds at every moment. */
function check(counter: Counter, concurrency: number, pushed: ReadonlyMap<string, number>): void {
  const busy = [...counter.running.keys()].map((call) => call[0]);
  expect(new Set(busy).size).toBe(busy.length);
  expect(busy.length).toBe(counter.queue.running);
  expect(busy.length).toBeLessThanOrEqual(concurrency);
  const waiting = [...pushed].filter(([sender, last]) => !counter.started.includes(`${sender}${last}`));
  const couldRun = waiting.some(([sender]) => !busy.includes(sender));
  if (couldRun) expect(busy.length).toBe(concurrency);
}
