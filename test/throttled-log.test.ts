import { describe, expect, it } from '@jest/globals';
import { ThrottledLog } from '../src/throttled-log.js';

function setUp() {
  const lines: string[] = [];
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const write = (line: string): void => void lines.push(line);
  return { lines, clock, log: new ThrottledLog({ warn: write, debug: write }, clock) };
}

describe('a repeated line', () => {
  it('is written once, and after ten seconds again with the number of repeats', () => {
    const { lines, clock, log } = setUp();
    for (let i = 0; i < 1000; i++) log.warn('flood', `from ${i}`);
    expect(lines).toEqual(['from 0']);
    clock.nowMs = 10_000;
    log.warn('flood', 'from 1000');
    log.warn('flood', 'from 1001');
    expect(lines).toEqual(['from 0', 'from 1000 (and 999 more like this)']);
  });

  it('does not hold up lines about something else', () => {
    const { lines, log } = setUp();
    for (const subject of ['a', 'b', 'a', 'b']) log.debug(subject, subject);
    expect(lines).toEqual(['a', 'b']);
  });

  it('is remembered for the last 256 subjects', () => {
    const { lines, log } = setUp();
    for (let i = 0; i <= 256; i++) log.warn(`${i}`, `${i}`);
    log.warn('256', 'again');
    log.warn('1', 'again');
    expect(lines).toHaveLength(257);
    log.warn('0', 'forgotten');
    expect(lines.at(-1)).toBe('forgotten');
  });
});
