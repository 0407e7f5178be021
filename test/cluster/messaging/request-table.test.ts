import { describe, expect, it } from '@jest/globals';
import { RequestTable } from '../../../src/cluster/messaging/request-table.js';
import {
  ClosedError,
  DeliveryUncertainError,
  RequestTimeoutError,
  SendQueueFullError,
} from '../../../src/errors.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import { idOf } from '../../support/members.js';

function setUp(limit = 100) {
  const clock = new VirtualClock();
  const table = new RequestTable(clock, limit);
  const settled: (string | Error)[] = [];
  const add = (to: string, timeoutMs: number) =>
    table.add(
      idOf(to),
      'price',
      timeoutMs,
      (reply) => settled.push(String(reply)),
      (error) => settled.push(error),
    );
  return { clock, table, settled, add };
}

describe('the table of requests', () => {
  it('gives a request to the answer of the node that was asked, once', () => {
    const { table, add } = setUp();
    const { id } = add('a', 1000);
    expect(table.take(id, idOf('a'))?.id).toBe(id);
    expect(table.take(id, idOf('a'))).toBeUndefined();
  });

  it('takes no answer from another node', () => {
    const { table, add } = setUp();
    const { id } = add('a', 1000);
    expect(table.take(id, idOf('b'))).toBeUndefined();
    expect(table.size).toBe(1);
  });

  it('rejects each at its own deadline, whatever the order in which they were made', () => {
    const { clock, settled, add } = setUp();
    add('a', 500);
    add('a', 100);
    clock.runFor(150);
    expect(settled).toHaveLength(1);
    expect(settled[0]).toBeInstanceOf(RequestTimeoutError);
    expect((settled[0] as RequestTimeoutError).timeoutMs).toBe(100);
    clock.runFor(400);
    expect(settled).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it('rejects what waits for a node that is gone, and only that', () => {
    const { table, settled, add } = setUp();
    add('a', 1000);
    add('b', 1000);
    table.failAllTo(idOf('a'), () => new DeliveryUncertainError('gone'));
    expect(settled).toHaveLength(1);
    expect(table.size).toBe(1);
  });

  it('is bounded', () => {
    const { add } = setUp(2);
    add('a', 1000);
    add('a', 1000);
    expect(() => add('a', 1000)).toThrow(SendQueueFullError);
  });

  it('rejects everything when it is closed, and leaves no timer', () => {
    const { clock, table, settled, add } = setUp();
    add('a', 1000);
    table.close();
    expect(settled[0]).toBeInstanceOf(ClosedError);
    expect(clock.pending).toBe(0);
  });
});

describe('the message of a request', () => {
  it('is given up when the request fails, and not when it is answered', () => {
    const { clock, table, add } = setUp();
    const given: string[] = [];
    const posted = (to: string, timeoutMs = 1000): number => {
      const pending = add(to, timeoutMs);
      pending.posted = {
        abort: (reason) => given.push(`${pending.to === idOf('a') ? 'a' : 'b'} ${(reason as Error).name}`),
      };
      return pending.id;
    };
    table.take(posted('a'), idOf('a'));
    expect(given).toEqual([]);
    posted('a', 100);
    clock.runFor(200);
    table.fail(posted('a'), new DeliveryUncertainError('x'));
    posted('b');
    table.failAllTo(idOf('b'), () => new DeliveryUncertainError('gone'));
    posted('b');
    table.close();
    expect(given).toEqual([
      'a RequestTimeoutError',
      'a DeliveryUncertainError',
      'b DeliveryUncertainError',
      'b ClosedError',
    ]);
  });
});
