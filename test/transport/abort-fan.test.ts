import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { AbortFan, type Abortable } from '../../src/transport/abort-fan.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

function waiting(told: unknown[], name: string): Abortable {
  return { aborted: (reason) => void told.push([name, reason]) };
}

describe('an abort fan', () => {
  it('tells all who wait under one listener, with the reason', () => {
    const fan = new AbortFan();
    const told: unknown[] = [];
    const aborter = new AbortController();
    const all = Array.from({ length: 50 }, (_, i) => waiting(told, `${i}`));
    for (const each of all) fan.add(aborter.signal, each);
    expect(listeners(aborter.signal)).toBe(1);
    aborter.abort('enough');
    expect(told).toEqual(all.map((_, i) => [`${i}`, 'enough']));
  });

  it('takes its listener away with the last one who waits, and listens anew to the next', () => {
    const fan = new AbortFan();
    const told: unknown[] = [];
    const aborter = new AbortController();
    const [one, two] = [waiting(told, 'one'), waiting(told, 'two')];
    fan.add(aborter.signal, one);
    fan.add(aborter.signal, two);
    fan.delete(aborter.signal, one);
    fan.delete(aborter.signal, one);
    expect(listeners(aborter.signal)).toBe(1);
    fan.delete(aborter.signal, two);
    expect(listeners(aborter.signal)).toBe(0);
    fan.add(aborter.signal, one);
    aborter.abort('enough');
    expect(told).toEqual([['one', 'enough']]);
  });

  it('does not tell one who settles because of another one', () => {
    const fan = new AbortFan();
    const told: unknown[] = [];
    const aborter = new AbortController();
    const second = waiting(told, 'second');
    const first: Abortable = {
      aborted: () => {
        told.push('first');
        fan.delete(aborter.signal, first);
        fan.delete(aborter.signal, second);
      },
    };
    fan.add(aborter.signal, first);
    fan.add(aborter.signal, second);
    aborter.abort();
    expect(told).toEqual(['first']);
    expect(listeners(aborter.signal)).toBe(0);
  });

  it('keeps signals apart', () => {
    const fan = new AbortFan();
    const told: unknown[] = [];
    const [one, two] = [new AbortController(), new AbortController()];
    fan.add(one.signal, waiting(told, 'one'));
    fan.add(two.signal, waiting(told, 'two'));
    two.abort('enough');
    expect(told).toEqual([['two', 'enough']]);
  });
});
