import { Injectable } from '@nestjs/common';
import { describe, expect, it, jest } from '@jest/globals';
import {
  MembershipService,
  OnClusterMessage,
  OnClusterRequest,
  OnMemberUnreachable,
  type Member,
} from '../../../src/index.js';
import { NestCluster } from '../../../src/nestjs/testing/nest-cluster.js';
import { seconds } from '../../../src/simulation/simulate.js';
import { Town, town } from './town.js';

@Injectable()
class Cats {
  readonly done: string[] = [];
  never = new Promise<void>(() => undefined);
  wake = (): void => undefined;

  constructor(readonly membership: MembershipService) {}

  @OnClusterMessage('hello')
  async onHello(kind: 'ask' | 'real' | 'hang' | 'wait' | 'wake'): Promise<void> {
    if (kind === 'ask') await this.ask();
    if (kind === 'real') await new Promise((resolve) => setTimeout(resolve, 150));
    if (kind === 'hang') await this.never;
    if (kind === 'wait') await new Promise<void>((resolve) => (this.wake = resolve));
    if (kind === 'wake') this.wake();
    this.done.push(kind);
  }

  @OnClusterRequest('slow')
  slow(): Promise<void> {
    return this.never;
  }

  @OnMemberUnreachable()
  async gone(member: Member): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.done.push(`gone ${member.name}`);
    this.wake();
  }

  /** The member that is asked has been cut off, or does not answer. */
  async ask(): Promise<void> {
    const c = this.membership.activeMembers.find(({ name }) => name === 'c')!;
    await this.membership
      .request(c, 'slow', undefined, { timeoutMs: 2000 })
      .catch((error: { readonly code: string }) => this.done.push(error.code));
  }
}

const start = (patienceMs?: number): Promise<NestCluster> =>
  NestCluster.start({ nodes: 3, module: () => town([Cats]), patienceMs });

/** Makes a handler of b run, and does not wait for it. */
async function hello(cluster: NestCluster, kind: string): Promise<void> {
  const b = cluster.membership('b').local;
  await cluster.run(cluster.membership('a').emit(b, 'hello', kind));
}

describe('advance', () => {
  it('passes as much virtual time as it is told, and hardly any real one', async () => {
    const cluster = await start();
    const [virtual, real] = [cluster.nowMs, performance.now()];
    await cluster.advance(seconds(60));
    expect(cluster.nowMs - virtual).toBe(60_000);
    expect(performance.now() - real).toBeLessThan(10_000);
    await cluster.close();
  });

  it('resolves when the handlers that it started have settled, also after a turn of the real event loop', async () => {
    const cluster = await start();
    cluster.crash('c');
    await cluster.advance(seconds(5));
    expect(cluster.get('a', Cats).done).toEqual(['gone c']);
    expect(cluster.running).toEqual([]);
    await cluster.close();
  });

  it('leaves a handler alone that waits for a request to a cut member: it goes on in virtual time', async () => {
    const cluster = await start();
    cluster.cut('b', 'c');
    await hello(cluster, 'ask');
    const [virtual, real] = [cluster.nowMs, performance.now()];
    await cluster.advance(100);
    expect(cluster.nowMs - virtual).toBe(100);
    expect(performance.now() - real).toBeLessThan(400);
    expect(cluster.running).toEqual([{ node: 'b', handler: 'Cats.onHello' }]);
    await cluster.advance(2000);
    expect(cluster.get('b', Cats).done).toEqual(['CLUSTER_REQUEST_TIMEOUT', 'ask']);
    expect(cluster.running).toEqual([]);
    await cluster.close();
  });

  it('leaves a handler alone that waits for another one of the same node, which waits for virtual time', async () => {
    const cluster = await start(300);
    cluster.cut('b', 'c');
    await hello(cluster, 'wait');
    await hello(cluster, 'ask');
    await cluster.advance(100);
    expect(cluster.running).toHaveLength(2);
    cluster.get('b', Cats).wake();
    await cluster.advance(2000);
    expect(cluster.get('b', Cats).done).toEqual(['wait', 'CLUSTER_REQUEST_TIMEOUT', 'ask']);
    await cluster.close();
  });

  it('does not let a handler that waits in one process excuse one that hangs in another', async () => {
    const cluster = await start(300);
    cluster.cut('b', 'c');
    await hello(cluster, 'ask');
    await cluster.run(cluster.membership('b').emit(cluster.membership('a').local, 'hello', 'hang'));
    await expect(cluster.advance(100)).rejects.toThrow('Cats.onHello on node a is still running');
    await cluster.close();
  });

  it('goes on in virtual time for a handler that waits for one that has not begun', async () => {
    const cluster = await start(1000);
    await hello(cluster, 'wait');
    cluster.crash('c');
    await cluster.advance(0);
    expect(cluster.get('b', Cats).done).toEqual(['gone c', 'wait']);
    await cluster.close();
  });

  it('waits for a real timer in a handler, for a while', async () => {
    const cluster = await start();
    await hello(cluster, 'real');
    await cluster.advance(0);
    expect(cluster.get('b', Cats).done).toEqual(['real']);
    await cluster.close();
  });

  it('fails with the name of a handler that never settles, after 5 s', async () => {
    const cluster = await start();
    await hello(cluster, 'hang');
    const startedAtMs = performance.now();
    await expect(cluster.advance(10)).rejects.toThrow(
      'Cats.onHello on node b is still running after 5 s: virtual time does not bring what it waits for',
    );
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(5000);
    // Said once is enough.
    await cluster.advance(10);
    await cluster.close();
  });

  it('names several of them, and where', async () => {
    const cluster = await start(100);
    for (const name of ['b', 'c'] as const) {
      const { local } = cluster.membership(name);
      await cluster.run(cluster.membership('a').emit(local, 'hello', 'hang'));
    }
    await expect(cluster.advance(10)).rejects.toThrow(
      'Cats.onHello on node b, Cats.onHello on node c are still running after 0.1 s',
    );
    await cluster.close();
  });

  it('does not wait for the handlers of a process that has died', async () => {
    const cluster = await start();
    await hello(cluster, 'hang');
    cluster.crash('b');
    await cluster.advance(10);
    expect(cluster.running).toEqual([]);
    await cluster.close();
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %p', async (ms) => {
    const cluster = await start();
    await expect(cluster.advance(ms)).rejects.toThrow(`advance: ms is ${ms}, but must`);
    await cluster.close();
  });
});

describe('until, run and settle', () => {
  it('until stops at the event that makes the condition hold', async () => {
    const cluster = await start();
    cluster.crash('c');
    await cluster.until(() => cluster.get('a', Town).gone.length > 0);
    const atMs = cluster.nowMs;
    await cluster.advance(seconds(1));
    expect(cluster.membership('a').allMembers.find(({ name }) => name === 'c')?.state).toBe('unreachable');
    expect(atMs).toBeLessThan(5000);
    await cluster.close();
  });

  it('until fails with seed, logs and running handlers when the condition does not come to hold', async () => {
    const cluster = await start(100);
    await hello(cluster, 'hang');
    const startedAtMs = cluster.nowMs;
    const error: Error = await cluster
      .until(() => false, { withinMs: 1000 })
      .then(
        () => new Error('it held'),
        (reason: Error) => reason,
      );
    expect(cluster.nowMs - startedAtMs).toBe(1000);
    expect(error.message).toContain('did not come to hold within 1000 ms (seed 1)');
    expect(error.message).toContain('Still running: Cats.onHello on node b');
    expect(error.message).toMatch(/a:\n {2}log Listening on/);
    await cluster.close();
  });

  it('run gives the value of a promise, and throws its reason', async () => {
    const cluster = await start(200);
    expect(await cluster.run(Promise.resolve(7))).toBe(7);
    await expect(cluster.run(Promise.reject(new RangeError('no')))).rejects.toThrow('no');
    await expect(cluster.run(new Promise(() => undefined), { withinMs: 500 })).rejects.toThrow(
      'The promise did not settle within 500 ms',
    );
    await cluster.close();
  });

  it('refuse to let time pass twice at once', async () => {
    const cluster = await start();
    const first = cluster.advance(1000);
    await expect(cluster.advance(1000)).rejects.toThrow('time is passing already, by advance');
    await first;
    await cluster.advance(1);
    await cluster.close();
  });
});

describe('errors', () => {
  @Injectable()
  class Failing {
    @OnClusterMessage('fail')
    fail(): void {
      throw new RangeError('out of range');
    }
    @OnClusterRequest('fail')
    async ask(): Promise<void> {
      throw new TypeError('wrong type');
    }
  }

  it('of handlers are in the log as ever, and are given with their cause', async () => {
    const cluster = await NestCluster.start({ nodes: 2, module: () => town([Failing]) });
    const b = cluster.membership('b').local;
    await cluster.run(cluster.membership('a').emit(b, 'fail', undefined));
    const asked = cluster.run(cluster.membership('a').request(b, 'fail', undefined));
    await expect(asked).rejects.toMatchObject({ remoteCode: 'INTERNAL' });
    expect(cluster.errors('a')).toEqual([]);
    expect(cluster.errors('b').map(({ handler, cause }) => [handler, cause])).toEqual([
      ['Failing.fail', new RangeError('out of range')],
      ['Failing.ask', new TypeError('wrong type')],
    ]);
    expect(cluster.log('b').filter((line) => line.startsWith('error Failing.'))).toHaveLength(2);
    await cluster.close();
  });
});

describe('fake timers', () => {
  it('are fine while they leave ticks alone', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      const cluster = await start();
      const fired: number[] = [];
      setTimeout(() => fired.push(cluster.nowMs), 1000);
      cluster.crash('c');
      await cluster.advance(seconds(3));
      expect(fired).toEqual([]);
      jest.advanceTimersByTime(seconds(3));
      expect(fired).toHaveLength(1);
      expect(cluster.get('a', Cats).done).toEqual(['gone c']);
      await cluster.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('are refused when they take the ticks away', async () => {
    jest.useFakeTimers();
    try {
      await expect(start()).rejects.toThrow(
        'Fake timers have replaced nextTick, queueMicrotask, setImmediate',
      );
    } finally {
      jest.useRealTimers();
    }
  });
});
