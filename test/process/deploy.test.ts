import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ROOT, TestProcess, until } from './processes.js';

const FIXTURES = join(ROOT, 'test/process/fixtures');

/** How a request of the asker ended. */
interface Outcome {
  readonly id: string;
  readonly reply?: { readonly id: string; readonly by: string };
  readonly error?: string;
}

/** What an HTTP request got. */
interface Order {
  readonly id: string;
  readonly prices: readonly string[];
  readonly status: string;
}

let processes: TestProcess[] = [];
afterEach(async () => {
  await Promise.all(processes.map((process) => process.close()));
  processes = [];
});

/** A process that writes facts, each a line of JSON. */
class Teller {
  readonly process: TestProcess;

  constructor(fixture: string, order: object) {
    this.process = TestProcess.node([join(FIXTURES, fixture), JSON.stringify(order)]);
    processes.push(this.process);
  }

  /** All facts so far that have a value under this key. */
  facts<T>(key: string): T[] {
    return this.process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T)
      .filter((fact) => typeof fact === 'object' && fact !== null && key in fact);
  }

  /** Waits until there are so many facts under a key; gives the last of them. */
  async told<T>(key: string, count = 1): Promise<T> {
    return until(
      `${count} × ${key}`,
      () => {
        if (this.process.exit !== undefined && this.facts(key).length < count)
          throw new Error(`It ended before that\n${this.process.output()}`);
        return this.facts<T>(key)[count - 1];
      },
      { report: () => this.process.stderr || this.process.stdout.slice(-2000) },
    );
  }
}

interface Place {
  readonly address: string;
  readonly http: number;
}

interface Setup {
  /** How the target is made to stop at SIGTERM. */
  readonly end: string;
  readonly direct: number;
  readonly any: number;
  readonly workMs: number;
  readonly drainTimeoutMs?: number;
}

async function start({ direct, any, ...application }: Setup) {
  const clusterName = `deploy-${randomBytes(4).toString('hex')}`;
  const asker = new Teller('asker.mjs', { clusterName, direct, any });
  const seed = [(await asker.told<Place>('address')).address];
  const all = { clusterName, seed, ...application };
  const target = new Teller('deployed-application.mjs', { ...all, nodeName: 'target' });
  const other = new Teller('deployed-application.mjs', { ...all, nodeName: 'other' });
  const { http } = await target.told<Place>('http');
  await asker.told('inFlight');
  return { asker, target, other, http };
}

async function order(http: number, id: string): Promise<Order> {
  const response = await fetch(`http://127.0.0.1:${http}/orders/${id}`, { headers: { connection: 'close' } });
  return (await response.json()) as Order;
}

/** Ids that a server has begun to handle. */
function handledBy(server: Teller): string[] {
  return server.facts<{ handled: string }>('handled').map(({ handled }) => handled);
}

const ORDERS = 100;

describe('a SIGTERM amid 1,000 requests in flight', () => {
  it.each([
    ['enableShutdownHooks()', { code: null, signal: 'SIGTERM' }],
    ['enableShutdownHooks({ useProcessExit: true })', { code: 0, signal: null }],
    ['app.close()', { code: 0, signal: null }],
  ])('loses none without an error to its caller, and answers none twice: %s', async (end, exit) => {
    const { asker, target, other, http } = await start({ end, direct: 700, any: 300, workMs: 300 });
    expect(asker.facts<{ inFlight: number }>('inFlight')[0]).toEqual({ inFlight: 1000 });
    const orders = Array.from({ length: ORDERS }, (_, i) => order(http, `order-${i}`));
    // Whatever comes of it is looked at below; until then nobody does.
    const ordered = Promise.allSettled(orders);
    await target.told('ordered', ORDERS);
    await target.told('handled', 400);
    target.process.kill('SIGTERM');
    expect(await target.process.ended()).toEqual(exit);
    const { asked, inFlight } = await asker.told<{ asked: number; inFlight: number }>('asked');

    // Each has ended, once, with its own answer or with an error that says whether it may be repeated.
    const outcomes = asker.facts<Outcome>('id').filter(({ id }) => /^(direct|any) /.test(id));
    expect({ settled: outcomes.length, inFlight }).toEqual({ settled: asked, inFlight: 0 });
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(asked);
    for (const { id, reply } of outcomes) if (reply !== undefined) expect(reply.id).toBe(id);

    // No handler ran twice for one request, and what the target began it has answered.
    const atTarget = handledBy(target);
    const handled = [...atTarget, ...handledBy(other)];
    expect(new Set(handled).size).toBe(handled.length);
    const answered = new Set(outcomes.filter(({ reply }) => reply !== undefined).map(({ id }) => id));
    expect(atTarget.filter((id) => !answered.has(id))).toEqual([]);

    // What it refused was not handled, and the caller may ask another, as `requestAny` did.
    const failed = outcomes.filter(({ error }) => error !== undefined);
    expect(failed.filter(({ id }) => handled.includes(id) || !id.startsWith('direct '))).toEqual([]);
    const errors = new Set(failed.map(({ error }) => error));
    errors.delete('CLUSTER_NOT_DELIVERED');
    expect(errors).toEqual(new Set(['CLUSTER_MEMBER_DRAINING']));
    const late = outcomes.slice(-100).map(({ reply }) => reply?.by);
    expect(late).toContain('other');

    // HTTP requests got their answers, with what they had asked others for before and after the drain began.
    for (const [i, order] of (await ordered).entries()) {
      expect(order).toMatchObject({ status: 'fulfilled', value: { id: `order-${i}`, status: 'draining' } });
      const { prices } = (order as PromiseFulfilledResult<Order>).value;
      expect(prices.length).toBeGreaterThan(1);
      expect(new Set(prices)).toEqual(new Set([`order-${i}`]));
    }

    const events = asker.facts<{ event: string; health: string }>('event');
    expect(events).toEqual([
      { event: 'updated', health: 'draining' },
      { event: 'left', health: 'draining' },
    ]);
  });

  it('whose handlers outlast drainTimeoutMs leaves their callers an error, and keeps nobody waiting', async () => {
    const end = 'enableShutdownHooks({ useProcessExit: true })';
    const setup = { end, direct: 300, any: 0, workMs: 60_000, drainTimeoutMs: 300 };
    const { asker, target } = await start(setup);
    await target.told('handled', 200);
    target.process.kill('SIGTERM');
    expect(await target.process.ended(5000)).toEqual({ code: 0, signal: null });
    const { asked, inFlight } = await asker.told<{ asked: number; inFlight: number }>('asked');
    const outcomes = asker.facts<Outcome>('id').filter(({ id }) => id.startsWith('direct '));
    expect({ settled: outcomes.length, asked, inFlight }).toEqual({ settled: 300, asked: 300, inFlight: 0 });
    // Whoever was being answered is not told that it may safely ask again.
    const handled = new Set(handledBy(target));
    for (const { id, error } of outcomes)
      if (handled.has(id)) expect({ id, error }).toEqual({ id, error: 'CLUSTER_DELIVERY_UNCERTAIN' });
    expect(asker.facts<{ event: string }>('event').at(-1)?.event).toBe('left');
  });
});
