import { describe, expect, it } from '@jest/globals';
import { IoGate } from '../../../src/simulation/network/io-gate.js';

/** A gate, and what happens at it in order. */
function gateAndLog() {
  const log: string[] = [];
  const soon: (() => void)[] = [];
  const gate = new IoGate((callback) => soon.push(callback));
  const note = (what: string) => ({ happen: () => void log.push(what) });
  return {
    gate,
    log,
    note,
    /** A timer whose handler sends. */
    sending: (what: string) => ({
      happen: () => {
        log.push(what);
        gate.holdSend(note(`sent by ${what}`));
      },
    }),
    runSoon: () => soon.splice(0).forEach((callback) => callback()),
  };
}

describe('a gate that is shut', () => {
  it('lets timers of an activity go on until it has tried to send', () => {
    const { gate, log, note, sending } = gateAndLog();
    gate.shut();
    gate.timer('probe-timeout', note('first'));
    gate.timer('round', sending('round'));
    gate.timer('probe-end', note('end'));
    gate.timer('round', note('next round'));
    expect(log).toEqual(['first', 'round']);
  });

  it('blocks one activity for what it sends, and no other', () => {
    const { gate, log, note, sending } = gateAndLog();
    gate.shut();
    gate.timer('round', sending('round'));
    gate.timer('gossip', note('gossip'));
    expect(log).toEqual(['round', 'gossip']);
  });

  it('never blocks suspicions, relayed probes and tombstones', () => {
    const { gate, log, sending } = gateAndLog();
    gate.shut();
    for (const kind of ['suspicion', 'suspicion', 'relay-nack', 'relay-nack', 'reap', 'reap'])
      gate.timer(kind, sending(kind));
    expect(log).toHaveLength(6);
  });

  it('lets sends go first when it opens, then activities, then reads, and a loop’s tick last', () => {
    const { gate, log, note, sending, runSoon } = gateAndLog();
    gate.shut();
    gate.holdRead(note('read'));
    gate.timer('round', sending('round'));
    gate.timer('round', note('tick'));
    gate.timer('probe-timeout', note('timeout'));
    gate.open();
    expect(log).toEqual(['round', 'sent by round', 'timeout', 'read']);
    runSoon();
    expect(log.at(-1)).toBe('tick');
  });

  it('opens with the end of the last anomaly, and lets timers pass afterwards', () => {
    const { gate, log, note, sending } = gateAndLog();
    gate.shut();
    gate.shut();
    gate.timer('gossip', sending('gossip'));
    gate.open();
    gate.timer('gossip', note('blocked'));
    expect(log).toEqual(['gossip']);
    gate.open();
    expect([gate.isShut, log]).toEqual([false, ['gossip', 'sent by gossip', 'blocked']]);
  });

  it('forgets everything when the process ends', () => {
    const { gate, log, note, sending } = gateAndLog();
    gate.shut();
    gate.timer('gossip', sending('gossip'));
    gate.timer('gossip', note('blocked'));
    gate.holdRead(note('read'));
    gate.clear();
    gate.open();
    expect(log).toEqual(['gossip']);
  });
});
