import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { RequestTable } from '../../../src/cluster/messaging/request-table.js';
import { Dispatcher } from '../../../src/cluster/messaging/dispatcher.js';
import { DeliveryUncertainError, NotDeliveredError, type ClusterError } from '../../../src/errors.js';
import type { NodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import { runNodeSchedule } from '../../../src/simulation/nodes/run-node-scenario.js';
import type { ScenarioResult } from '../../../src/simulation/scenarios/scenario-result.js';
import { Endpoint } from '../../../src/transport/session/endpoint.js';
import { Inbox } from '../../../src/transport/session/inbox.js';
import { OutgoingMessage } from '../../../src/transport/session/message.js';
import { OutgoingSession } from '../../../src/transport/session/outgoing-session.js';
import { Peer } from '../../../src/transport/session/peer.js';
import { Peers } from '../../../src/transport/session/peers.js';
import { ReleasesAtOnce, TicksOn } from './planted-defects.js';

const quiet: NodeScenario = {
  kind: 'nodes',
  seed: 1,
  nodes: 3,
  schedule: [],
  runForMs: 15_000,
  settleWithinMs: 100_000,
  options: {
    latency: { minMs: 0.5, maxMs: 2 },
    limits: { windowMessages: 8 },
    traffic: { meanGapMs: 60, slowShare: 0.1, slowMs: 200, largeShare: 0, burstShare: 0.05, reader: false },
  },
};

/** One is cut off until the others have given it up and forgotten its sessions, while it still waits for them. */
const forgetful: NodeScenario = {
  ...quiet,
  seed: 2,
  schedule: [
    { atMs: 5000, fault: { kind: 'partition', groups: [['a'], ['b', 'c']] } },
    { atMs: 12_000, fault: { kind: 'heal-all' } },
  ],
  options: { ...quiet.options, limits: { windowMessages: 8, lostSessions: 0 } },
};

/** Its sessions are resumed, and its last link breaks when nobody uses a stream any more. */
const lossy: NodeScenario = {
  ...quiet,
  schedule: [
    { atMs: 500, fault: { kind: 'lose', share: 0.03 } },
    { atMs: 14_000, fault: { kind: 'heal-all' } },
  ],
};

async function broken(scenario: NodeScenario): Promise<ScenarioResult['violation']> {
  return (await runNodeSchedule(scenario)).violation;
}

/** Changes how messages are settled: `replace` does it, or says that it has nothing to do with this one. */
function settleOtherwise(
  replace: (message: OutgoingMessage, error: ClusterError | undefined) => boolean,
): void {
  const { settle } = OutgoingMessage.prototype;
  jest.spyOn(OutgoingMessage.prototype, 'settle').mockImplementation(function (this: OutgoingMessage, error) {
    if (!replace(this, error)) settle.call(this, error);
  });
}

function isForgotten(error: ClusterError | undefined): boolean {
  return error instanceof DeliveryUncertainError && error.message.includes('forgotten this session');
}

describe('the checks of whole nodes', () => {
  afterEach(() => void jest.restoreAllMocks());

  it.each([
    ['quiet', quiet],
    ['forgetful', forgetful],
    ['lossy', lossy],
  ] as const)('find nothing in sound sessions (%s)', async (_, scenario) => {
    expect(await broken(scenario)).toBeUndefined();
  });

  it('find a message that is sent again although its recipient has forgotten the session', async () => {
    settleOtherwise((message, error) => {
      if (!isForgotten(error)) return false;
      message.rewind();
      queueMicrotask(() => message.session!.send(message));
      return true;
    });
    expect(await broken(forgetful)).toMatchObject({ invariant: 'never-resent' });
  });

  it('find that what was under way in a forgotten session counts as not delivered', async () => {
    settleOtherwise((message, error) => {
      if (!isForgotten(error)) return false;
      message.settle(new NotDeliveredError('Nobody has it'));
      return true;
    });
    expect(await broken(forgetful)).toMatchObject({
      invariant: 'certainty',
      message: expect.stringContaining('was given to a link'),
    });
  });

  it('find that what was never written counts as uncertain', async () => {
    settleOtherwise((message, error) => {
      if (!(error instanceof NotDeliveredError) || message.framedBytes > 0) return false;
      message.settle(new DeliveryUncertainError('Who knows'));
      return true;
    });
    expect(await broken(forgetful)).toMatchObject({
      invariant: 'certainty',
      message: expect.stringContaining('was not given to a link'),
    });
  });

  it('find a receiver that forgets a session to which it has given credit', async () => {
    const { admit } = Peer.prototype;
    jest.spyOn(Peer.prototype, 'admit').mockImplementation(function (this: Peer, offer) {
      this.incoming?.end();
      this.incoming = undefined;
      return admit.call(this, offer);
    });
    expect(await broken(lossy)).toMatchObject({ invariant: 'resume' });
  });

  const slow = { ...quiet.options.traffic, slowShare: 0.5, slowMs: 1500 };

  it('find that slow handlers are given more than their window', async () => {
    const scenario = { ...quiet, options: { ...quiet.options, traffic: slow } };
    const { violation } = await runNodeSchedule(scenario, { spoil: (inner) => new ReleasesAtOnce(inner) });
    expect(violation).toMatchObject({
      invariant: 'credit',
      message: expect.stringContaining('messages, and the window is 8'),
    });
  });

  it('find large payloads for which there is no room', async () => {
    const limits = { reassemblyBytes: 2 ** 20, windowBytes: 600 * 1024 };
    const traffic = { ...slow, largeShare: 1, burstShare: 0 };
    const scenario = { ...quiet, runForMs: 8000, options: { ...quiet.options, limits, traffic } };
    expect(await broken(scenario)).toBeUndefined();
    const { violation } = await runNodeSchedule(scenario, { spoil: (inner) => new ReleasesAtOnce(inner) });
    expect(violation?.invariant).toBe('room');
  });

  it('find credit that is not given back to the last byte', async () => {
    const { giveBack } = Inbox.prototype;
    jest.spyOn(Inbox.prototype, 'giveBack').mockImplementation(function (this: Inbox, stream, bytes) {
      giveBack.call(this, stream, Math.max(0, bytes - 1));
    });
    expect(await broken(quiet)).toMatchObject({
      invariant: 'books',
      message: expect.stringContaining('unreleased bytes of a stream'),
    });
  });

  it('find credit of which the sender has not heard', async () => {
    const { credited } = OutgoingSession.prototype;
    jest.spyOn(OutgoingSession.prototype, 'credited').mockImplementation(function (
      this: OutgoingSession,
      frame,
    ) {
      // One message of the window is lost for good.
      credited.call(this, { ...frame, messages: frame.messages - 1 });
    });
    expect(await broken(quiet)).toMatchObject({
      invariant: 'books',
      message: expect.stringMatching(/the session from \w to \w: its sender knows/),
    });
  });

  it('find requests that stay in the table', async () => {
    jest.spyOn(RequestTable.prototype, 'size', 'get').mockReturnValue(1);
    expect(await broken(quiet)).toMatchObject({
      invariant: 'leak',
      message: expect.stringContaining('1 requests in flight'),
    });
  });

  it('find a node that takes requests while it drains', async () => {
    const schedule = [{ atMs: 3000, fault: { kind: 'leave', node: 'b' } }] as const;
    const scenario = { ...quiet, schedule, options: { ...quiet.options, drains: true } };
    expect(await broken(scenario)).toBeUndefined();
    jest.spyOn(Dispatcher.prototype, 'drain').mockReturnValue(new Promise(() => undefined));
    expect(await broken(scenario)).toMatchObject({
      invariant: 'drain',
      message: expect.stringContaining('was taken by a node that drains'),
    });
  });

  it('find peers that are kept for nothing, and such that survive their node', async () => {
    jest.spyOn(Peers.prototype, 'clear').mockReturnValue();
    expect(await broken(quiet)).toMatchObject({
      invariant: 'leak',
      message: expect.stringContaining('peers after its end'),
    });
    jest.restoreAllMocks();
    jest.spyOn(Endpoint.prototype, 'tidy').mockReturnValue();
    // Whoever is not there is dialled, in vain.
    expect(await broken({ ...quiet, late: ['c'] })).toMatchObject({
      invariant: 'books',
      message: expect.stringContaining('of whom nothing is to be kept'),
    });
  });

  it('find a timer that goes on when its node has closed', async () => {
    const { violation } = await runNodeSchedule(quiet, { spoil: (inner) => new TicksOn(inner) });
    expect(violation).toMatchObject({
      invariant: 'leak',
      message: expect.stringContaining('things more after its end'),
    });
  });

  it('see in the trace when two runs differ in nothing but frames', async () => {
    const run = async (): Promise<string> => (await runNodeSchedule({ ...quiet, runForMs: 3000 })).traceHash;
    const sound = await run();
    expect(await run()).toBe(sound);
    jest.spyOn(OutgoingSession.prototype, 'offer', 'get').mockImplementation(function (
      this: OutgoingSession,
    ) {
      return { epoch: this.epoch + 2, firstUnacked: this.acknowledged };
    });
    expect(await run()).not.toBe(sound);
  });
});
