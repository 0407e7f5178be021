import { describe, expect, it } from '@jest/globals';
import { VirtualClock, type Task } from '../../../src/simulation/clock/virtual-clock.js';
import { IoGate, type Pace } from '../../../src/simulation/network/io-gate.js';

/** A gate, and what happens at it in order. */
function gateAndLog(pace?: Pace) {
  const log: string[] = [];
  const clock = new VirtualClock();
  const gate = new IoGate((delayMs, callback) => clock.setTimer(delayMs, callback));
  if (pace !== undefined) gate.setPace(pace);
  const note = (what: string) => ({ happen: () => void log.push(what) });
  return {
    gate,
    log,
    clock,
    note,
    /** A timer whose handler sends. */
    sending: (what: string) => ({
      happen: () => {
        log.push(what);
        gate.holdSend(note(`sent by ${what}`));
      },
    }),
    /** Something arrives, and is read when the gate lets it. */
    arrive: (what: string, message: unknown = { what }) => {
      const reading: Task = {
        happen: () => {
          if (!gate.holds(reading, message)) log.push(what);
        },
      };
      reading.happen();
    },
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
    const { gate, log, note, sending, arrive, clock } = gateAndLog();
    gate.shut();
    arrive('read');
    gate.timer('round', sending('round'));
    gate.timer('round', note('tick'));
    gate.timer('probe-timeout', note('timeout'));
    gate.open();
    expect(log).toEqual(['round', 'sent by round', 'timeout', 'read']);
    clock.runFor(0);
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
    const { gate, log, note, sending, arrive } = gateAndLog();
    gate.shut();
    gate.timer('gossip', sending('gossip'));
    gate.timer('gossip', note('blocked'));
    arrive('read');
    gate.clear();
    gate.open();
    expect(log).toEqual(['gossip']);
  });
});

describe('a process that needs time for each message', () => {
  const slow: Pace = { messageCostMs: 0.4, isDatagram: (message) => message !== 'stream', maxDatagrams: 3 };

  it('reads only as much as it has time for, and the rest when the gate opens again', () => {
    const { gate, log, arrive, clock } = gateAndLog(slow);
    gate.shut();
    for (const what of ['a', 'b', 'c']) arrive(what);
    gate.open();
    clock.runFor(1);
    gate.shut();
    clock.runFor(100);
    expect(log).toEqual(['a', 'b']);
    gate.open();
    clock.runFor(0.4);
    expect([log, gate.isShut]).toEqual([['a', 'b', 'c'], false]);
  });

  it('sends an answer before it reads on', () => {
    const { gate, log, sending, arrive, clock } = gateAndLog(slow);
    gate.shut();
    const ping: Task = { happen: () => void (gate.holds(ping, 'ping') || sending('ping').happen()) };
    ping.happen();
    arrive('next');
    gate.open();
    clock.runFor(10);
    expect(log).toEqual(['ping', 'sent by ping', 'next']);
  });

  it('does so in each activity by itself', () => {
    const { gate, log, sending, clock } = gateAndLog(slow);
    gate.shut();
    gate.timer('round', sending('round'));
    gate.timer('gossip', sending('gossip'));
    gate.open();
    clock.runFor(0.4);
    expect(log).toEqual(['round', 'gossip', 'sent by round', 'sent by gossip']);
  });

  it('loses datagrams that come when its buffer is full, but nothing that comes on a stream', () => {
    const { gate, log, arrive, clock } = gateAndLog(slow);
    gate.shut();
    for (const what of ['a', 'b', 'c', 'd', 'e']) arrive(what);
    arrive('page', 'stream');
    gate.open();
    clock.runFor(10);
    expect([log, gate.lost]).toEqual([['page', 'a', 'b', 'c'], 2]);
  });

  it('keeps what comes while it is behind in order', () => {
    const { gate, log, arrive, clock } = gateAndLog(slow);
    gate.shut();
    arrive('a');
    gate.open();
    arrive('b');
    clock.runFor(10);
    arrive('c');
    expect(log).toEqual(['a', 'b', 'c']);
  });
});
