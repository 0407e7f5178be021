import { describe, expect, it } from '@jest/globals';
import { parseAddress, formatAddress, type Address } from '../../src/address.js';
import { Joiner } from '../../src/cluster/joiner.js';
import type { Discovery } from '../../src/discovery/discovery.js';
import { VirtualClock } from '../../src/simulation/clock/virtual-clock.js';

/** Lets promises that are settled run their continuations. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function setUp(
  discoverNodes: Discovery['discoverNodes'],
  alone = (): boolean => true,
  known: readonly number[] = [],
  random = (): number => 0.5,
) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const joiner = new Joiner(
    {
      own: () => [parseAddress('127.0.0.1:1')],
      alone,
      knows: (address) => known.includes(address.port),
      join: (addresses: readonly Address[]) => log.push(`join ${addresses.map(formatAddress).join(' ')}`),
      nobodyNew: () => log.push('nobody'),
      discoveryFailed: (error) => log.push(error.message),
    },
    { name: 'fake', discoverNodes },
    clock,
    random,
  );
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 50) {
      clock.runFor(50);
      await settle();
    }
  };
  return { clock, joiner, log, run };
}

describe('the joiner', () => {
  it('hands over what discovery finds, each address once and its own not at all', async () => {
    const found = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:2', '127.0.0.1:3'].map((text) =>
      parseAddress(text),
    );
    const { joiner, log } = setUp(async () => found);
    joiner.start();
    await settle();
    expect(log).toEqual(['join 127.0.0.1:2 127.0.0.1:3']);
    joiner.stop();
  });

  it('trusts what discovery found last and where members are, and nothing else', async () => {
    let found = ['127.0.0.1:2'];
    const { joiner, run } = setUp(async () => found.map((text) => parseAddress(text)), undefined, [7]);
    const trusted = (): number[] =>
      [1, 2, 3, 7, 8].filter((port) => joiner.trusts({ host: '127.0.0.1', port }));
    expect(trusted()).toEqual([7]);
    joiner.start();
    await settle();
    expect(trusted()).toEqual([2, 7]);
    found = ['127.0.0.1:3'];
    await run(1000);
    expect(trusted()).toEqual([3, 7]);
    joiner.stop();
  });

  it('tries any 1,024 of more addresses, says so, and reaches the others in later rounds', async () => {
    const ports = Array.from({ length: 1500 }, (_, i) => i + 2);
    const places = ports.map((port) => ({ host: '127.0.0.1', port }));
    let draw = 0;
    const { joiner, log, run } = setUp(
      async () => places,
      undefined,
      [],
      () => (draw = (draw + 0.618) % 1),
    );
    joiner.start();
    await settle();
    expect(log[0]).toBe('Discovery "fake" found 1500 addresses; 1024 of them are tried in a round');
    const tried = (): string[] => log.filter((line) => line.startsWith('join')).map((line) => line.slice(5));
    expect(new Set(tried()[0]!.split(' ')).size).toBe(1024);
    await run(10_000);
    joiner.stop();
    expect(new Set(tried().flatMap((line) => line.split(' '))).size).toBe(1500);
  });

  it('says that nobody is there when discovery finds only the node itself', async () => {
    const { joiner, log } = setUp(async () => [parseAddress('127.0.0.1:1')]);
    joiner.start();
    await settle();
    expect(log).toEqual(['nobody']);
    joiner.stop();
  });

  it('joins nobody when all that it finds are members already', async () => {
    const found = [parseAddress('127.0.0.1:2')];
    const { joiner, log } = setUp(
      async () => found,
      () => false,
      [2],
    );
    joiner.start();
    await settle();
    expect(log).toEqual(['nobody']);
    joiner.stop();
  });

  it('asks again with growing pauses while alone', async () => {
    const askedAt: number[] = [];
    const { clock, joiner, run } = setUp(async () => (askedAt.push(clock.now()), []));
    joiner.start();
    await settle();
    await run(8000);
    joiner.stop();
    const pauses = askedAt.slice(1).map((at, i) => at - askedAt[i]!);
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000]);
  });

  it('goes on asking often in company while none of what discovery finds is a member', async () => {
    const askedAt: number[] = [];
    const members: number[] = [];
    const { clock, joiner, run } = setUp(
      async () => (askedAt.push(clock.now()), [parseAddress('127.0.0.1:2')]),
      () => false,
      members,
    );
    joiner.start();
    await settle();
    await run(20_000);
    const pauses = askedAt.slice(1).map((at, i) => at - askedAt[i]!);
    expect(pauses.slice(0, 6)).toEqual([250, 500, 1000, 2000, 4000, 5000]);
    members.push(2);
    await run(70_000);
    joiner.stop();
    expect(askedAt.length).toBeLessThanOrEqual(10);
  });

  it('asks once a minute in company', async () => {
    let asked = 0;
    const { joiner, run } = setUp(
      async () => (asked++, []),
      () => false,
    );
    joiner.start();
    await run(130_000);
    joiner.stop();
    expect(asked).toBe(3);
  });

  it('reports a discovery that fails and asks it again', async () => {
    let asked = 0;
    const { joiner, log, run } = setUp(async () => {
      if (asked++ === 0) throw new Error('no network yet');
      return [parseAddress('127.0.0.1:2')];
    });
    joiner.start();
    await run(500);
    joiner.stop();
    expect(log[0]).toContain('no network yet');
    expect(log[1]).toBe('join 127.0.0.1:2');
  });

  it('gives up on a discovery that never answers, and aborts it', async () => {
    let aborted = false;
    const { joiner, log, run } = setUp(({ signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => undefined);
    });
    joiner.start();
    await run(10_100);
    joiner.stop();
    expect(aborted).toBe(true);
    expect(log[0]).toContain('no answer within');
  });

  it('takes what a discovery gives at the last moment', async () => {
    const { joiner, log, run } = setUp(
      ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve([parseAddress('127.0.0.1:2')])),
        ),
    );
    joiner.start();
    await run(10_100);
    joiner.stop();
    expect(log).toEqual(['join 127.0.0.1:2']);
  });

  it('leaves no timer behind and joins nothing after it was stopped', async () => {
    let answer!: (found: Address[]) => void;
    const { clock, joiner, log } = setUp(() => new Promise((resolve) => (answer = resolve)));
    joiner.start();
    joiner.stop();
    answer([parseAddress('127.0.0.1:2')]);
    await settle();
    expect(log).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
