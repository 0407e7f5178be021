import { describe, it, expect } from '@jest/globals';
import type { SwimMessage } from '../../src/membership/swim/messages.js';
import type { Check, Watched } from '../../src/simulation/invariants/check.js';
import { seconds, simulate } from '../../src/simulation/simulate.js';
import { SimulationError } from '../../src/simulation/simulation-error.js';

/** A check that writes down what it is told. */
function recording() {
  const told: string[] = [];
  let simulation!: Watched<SwimMessage>;
  const at = () => simulation.nowMs.toFixed(0);
  const check: Check<SwimMessage> = {
    begin: (watched) => {
      simulation = watched;
      told.push('begin');
    },
    started: ({ name }) => void told.push(`started ${name}`),
    ended: ({ name, isRunning }, how) => void told.push(`ended ${name} ${how} ${isRunning}`),
    beforeInput: ({ name }, { kind }) => void told.push(`before ${name} ${kind}`),
    afterInput: ({ name }, { kind }) => void told.push(`after ${name} ${kind}`),
    event: ({ name }, { type, member }) =>
      void told.push(`event ${name} ${type} ${simulation.nameOf(member.id)}`),
    sent: ({ name }, _to, message) => void told.push(`sent ${name} ${message.type}`),
    traced: ({ name }, { kind }) => void told.push(`traced ${name} ${kind}`),
    noticed: ({ name }, { type }) => void told.push(`noticed ${name} ${type}`),
    fault: ({ kind }) => void told.push(`fault ${kind} at ${at()}`),
    tick: () => void told.push(`tick at ${at()}`),
    finish: () =>
      void told.push(
        `finish with ${simulation
          .running()
          .map(({ name }) => name)
          .join(' ')}`,
      ),
  };
  return { check, told, of: (kind: string) => told.filter((each) => each.startsWith(kind)) };
}

describe('a check', () => {
  it('is told all that happens, in order', () => {
    const { check, told, of } = recording();
    const cluster = simulate({ nodes: 2, seed: 1, checks: [check] }).settle();
    expect(told.slice(0, 3)).toEqual(['begin', 'started a', 'before a told']);
    expect(of('event')).toEqual(['event a joined b', 'event b joined a']);
    expect(of('noticed')).toEqual(['noticed b join-completed']);
    expect(of('sent')).toContain('sent b join');
    expect(told).toContain('before a receive');
    expect(told).toContain('after a link');
    cluster.runFor(seconds(1)).apply({ kind: 'stall', node: 'a', ms: 1500 }).runFor(seconds(2));
    expect(of('before a stalled')).toHaveLength(1);
    expect(of('traced a').length).toBeGreaterThan(0);
    cluster.crash('b').finish();
    expect(told.slice(-3)).toEqual([
      expect.stringMatching(/^fault crash at/),
      'ended b closed false',
      'finish with a',
    ]);
  });

  it('that wants ticks gets one every 100 virtual milliseconds', () => {
    const { check, of } = recording();
    simulate({ nodes: 1, seed: 1, checks: [check] }).runFor(350);
    expect(of('tick')).toEqual(['tick at 100', 'tick at 200', 'tick at 300']);
  });

  it('stops the run at the input that breaks it, and the error names seed and time', () => {
    const check: Check<SwimMessage> = {
      event: ({ name }) => {
        throw new SimulationError(`${name} must not learn anything`);
      },
    };
    const run = () => simulate({ nodes: 2, seed: 77, checks: [check] });
    expect(run).toThrow(/[ab] must not learn anything\nat \d+\.\d ms, seed 77/);
  });

  it('goes on when the invariants are off', () => {
    const { check, told } = recording();
    const alone = recording();
    simulate({ nodes: 2, seed: 1, checks: [check] })
      .settle()
      .finish();
    simulate({ nodes: 2, seed: 1, checks: [alone.check], invariants: false })
      .settle()
      .finish();
    expect(alone.told).toEqual(told);
  });
});

describe('the end of a scenario', () => {
  it('stops every protocol: nothing is sent and no input changes anything afterwards', () => {
    const cluster = simulate({ nodes: 3, seed: 1 }).settle().finish();
    const { messagesSent } = cluster;
    expect(messagesSent).toBeGreaterThan(0);
    cluster.crash('c').runFor(seconds(60));
    expect(cluster.messagesSent).toBe(messagesSent);
    expect(cluster.stateAt('a', 'c')).toBe('alive');
  });
});

describe('what protocols are given to do', () => {
  it('is counted', () => {
    const cluster = simulate({ nodes: 3, seed: 1 }).settle();
    const { inputs, messagesSent } = cluster;
    cluster.runFor(seconds(10));
    // Each second each of the three probes once: a ping, an ack, and as many timers at least.
    expect(cluster.messagesSent - messagesSent).toBeGreaterThanOrEqual(3 * 9 * 2);
    expect(cluster.inputs - inputs).toBeGreaterThan(cluster.messagesSent - messagesSent);
  });
});
