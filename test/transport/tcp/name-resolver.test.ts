import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import { NameResolver } from '../../../src/transport/tcp/name-resolver.js';

/** A resolver whose lookups a test answers by hand. */
function byHand() {
  const asked: { host: string; answer(ips: string[]): void; fail(): void }[] = [];
  const clock = new VirtualClock();
  const names = new NameResolver(clock, (host) => {
    return new Promise((resolve, reject) => {
      asked.push({ host, answer: resolve, fail: () => reject(new Error('no such name')) });
    });
  });
  return { asked, clock, names };
}

describe('names of members', () => {
  it('are looked up two at a time', async () => {
    const { asked, names } = byHand();
    const all = ['a', 'b', 'c'].map((host) => names.resolve(host));
    await settled();
    expect(asked.map((one) => one.host)).toEqual(['a', 'b']);
    asked[0]!.answer(['10.0.0.1']);
    await settled();
    expect(asked.map((one) => one.host)).toEqual(['a', 'b', 'c']);
    asked[1]!.fail();
    asked[2]!.answer(['10.0.0.3']);
    expect(await Promise.allSettled(all)).toMatchObject([
      { value: ['10.0.0.1'] },
      { status: 'rejected' },
      { value: ['10.0.0.3'] },
    ]);
  });

  it('wait for their lookup up to 1,024, and not beyond the end of the transport', async () => {
    const { asked, names } = byHand();
    const all = Array.from({ length: 2 + 1024 }, (_, i) => names.resolve(`host${i}`));
    await settled();
    await expect(names.resolve('one more')).rejects.toThrow(/1024 names wait to be looked up already/);
    names.close();
    for (const { fail } of asked) fail();
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked).toHaveLength(2);
    await expect(names.resolve('later')).rejects.toThrow(/closed/);
  });

  it('are looked up once for dials at the same time', async () => {
    const { asked, names } = byHand();
    const both = [names.resolve('a'), names.resolve('A')];
    await settled();
    asked[0]!.answer(['10.0.0.1']);
    await Promise.all(both);
    expect(asked).toHaveLength(1);
  });

  it('are remembered up to 1,024; the one unused for longest is looked up again', async () => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const names = new NameResolver(clock, (host) => Promise.resolve([`ip of ${asked.push(host)}`]));
    for (let i = 0; i < 1024; i++) await names.resolve(`host${i}`);
    await names.resolve('host0');
    await names.resolve('one more');
    expect(asked).toHaveLength(1025);
    await names.resolve('host0');
    await names.resolve('host1');
    expect(asked.slice(1025)).toEqual(['host1']);
  });

  it('give the last good IP at once, and look again beside it', async () => {
    const { asked, clock, names } = byHand();
    await answered(names, asked, ['10.0.0.1', '10.0.0.2']);
    names.succeeded('a', '10.0.0.2');
    clock.runFor(60_000);
    expect(await names.resolve('a')).toEqual(['10.0.0.2', '10.0.0.1']);
    expect(asked).toHaveLength(2);
  });

  it('keep the last good IP when a lookup fails', async () => {
    const { asked, names } = byHand();
    await answered(names, asked, ['10.0.0.1']);
    names.succeeded('a', '10.0.0.1');
    names.failed('a', '10.0.0.1');
    await names.resolve('a');
    asked[1]!.fail();
    await settled();
    expect(await names.resolve('a')).toEqual(['10.0.0.1']);
  });

  it('follow the name to another machine', async () => {
    const { asked, names } = byHand();
    await answered(names, asked, ['10.0.0.1']);
    names.succeeded('a', '10.0.0.1');
    names.failed('a', '10.0.0.1');
    await names.resolve('a');
    asked[1]!.answer(['10.0.0.9']);
    await settled();
    expect(await names.resolve('a')).toEqual(['10.0.0.9']);
  });

  it('prefer another IP after one that stayed silent', async () => {
    const { asked, names } = byHand();
    await answered(names, asked, ['10.0.0.1', '10.0.0.2']);
    names.failed('a', '10.0.0.1');
    const next = names.resolve('a');
    await settled();
    asked[1]!.fail();
    expect(await next).toEqual(['10.0.0.2', '10.0.0.1']);
  });
});

async function answered(
  names: NameResolver,
  asked: { answer(ips: string[]): void }[],
  ips: string[],
): Promise<void> {
  const first = names.resolve('a');
  await settled();
  asked[0]!.answer(ips);
  await first;
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
