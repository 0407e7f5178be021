import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventLoop } from '../../../src/simulation/clock/event-loop.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import { MemoryNetwork } from '../../../src/transport/memory/memory-network.js';
import type { MemoryLinks } from '../../../src/transport/memory/memory-links.js';
import type { Frame } from '../../../src/transport/session/frame.js';
import { Acceptor, RecordingHandler } from '../recording-handler.js';

const AT_B = { host: '10.0.0.2', port: 7002 };
const KIB = 1024;

let clock: VirtualClock;
let network: MemoryNetwork;
let a: MemoryLinks;
let b: MemoryLinks;
let aLoop: EventLoop;
let bLoop: EventLoop;
let acceptor: Acceptor;

beforeEach(async () => {
  clock = new VirtualClock();
  network = new MemoryNetwork({ clock, random: () => 0.5, delay: { minMs: 1, maxMs: 1 } });
  aLoop = new EventLoop(clock);
  bLoop = new EventLoop(clock);
  a = network.links('a', { loop: aLoop });
  b = network.links('b', { loop: bLoop });
  acceptor = new Acceptor();
  await b.listen(AT_B, acceptor.accept, () => undefined);
});

/** A dial of a, and what became of it. */
function dial(): { link: RecordingHandler | undefined; failed: string | undefined } {
  const result: { link: RecordingHandler | undefined; failed: string | undefined } = {
    link: undefined,
    failed: undefined,
  };
  a.dial(AT_B, 1000, {
    opened: (link) => (result.link = new RecordingHandler(link)),
    failed: (report) => void (result.failed = report),
  });
  return result;
}

function pair(): { here: RecordingHandler; there: RecordingHandler } {
  const dialled = dial();
  clock.runFor(10);
  return { here: dialled.link!, there: acceptor.handlers.at(-1)! };
}

function chunk(seq: number, bytes = 1): Frame {
  return {
    type: 'data',
    seq,
    stream: 0,
    free: false,
    kind: 0,
    first: true,
    last: true,
    totalBytes: bytes,
    meta: new Uint8Array(0),
    correlation: 0,
    chunk: new Uint8Array(bytes),
  };
}

describe('a process that stands still', () => {
  it('is connected to by its kernel, and learns of the connection and all it brought when it goes on', () => {
    bLoop.freeze();
    const dialled = dial();
    clock.runFor(10);
    dialled.link!.link.send(chunk(0));
    clock.runFor(500);
    expect(acceptor.handlers).toEqual([]);
    bLoop.thaw();
    expect(acceptor.handlers[0]!.calls).toEqual(['frame', 'batchEnd']);
  });

  it('learns of the opening of its own dial when it goes on, also after its deadline: what is here is read first', () => {
    const dialled = dial();
    aLoop.freeze();
    clock.runFor(500);
    aLoop.thaw();
    expect(dialled.link).toBeDefined();
    const late = dial();
    aLoop.freeze();
    clock.runFor(1500);
    expect(late).toEqual({ link: undefined, failed: undefined });
    aLoop.thaw();
    expect(late.link).toBeDefined();
    clock.runFor(1500);
    expect(late.failed).toBeUndefined();
  });

  it('reads what came meanwhile in order, and then the end', () => {
    const { here, there } = pair();
    bLoop.freeze();
    for (const seq of [0, 1, 2]) here.link.send(chunk(seq));
    here.link.end();
    clock.runFor(100);
    expect(there.calls).toEqual([]);
    bLoop.thaw();
    expect(there.frames.map((frame) => (frame as { seq: number }).seq)).toEqual([0, 1, 2]);
    expect(there.calls.at(-1)).toBe('closed');
  });

  it('holds its sender up once its kernel is full, and lets it go on when it reads', () => {
    const { here } = pair();
    bLoop.freeze();
    let sent = 0;
    while (here.link.send(chunk(sent++, 64 * KIB)));
    clock.runFor(1000);
    expect(here.link.bufferedBytes).toBeGreaterThan(256 * KIB);
    expect(here.calls).toEqual([]);
    bLoop.thaw();
    clock.runFor(100);
    expect(here.calls).toContain('drained');
    expect(here.link.bufferedBytes).toBe(0);
  });

  it('hands nothing more to its kernel than was there, even when there is room again', () => {
    const { here, there } = pair();
    for (let seq = 0; seq < 10; seq++) here.link.send(chunk(seq, 64 * KIB));
    const handed = here.link.flushedFrames;
    expect(handed).toBeLessThan(10);
    aLoop.freeze();
    clock.runFor(100);
    expect(there.frames).toHaveLength(handed);
    aLoop.thaw();
    clock.runFor(100);
    expect(there.frames).toHaveLength(10);
  });

  it('hears of a broken link when it goes on', () => {
    const { here, there } = pair();
    bLoop.freeze();
    network.breakLinks('a', 'b');
    clock.runFor(100);
    expect([here.isClosed, there.isClosed]).toEqual([true, false]);
    bLoop.thaw();
    expect(there.isClosed).toBe(true);
  });

  it('does not take up a connection at an address at which it stopped to listen', async () => {
    bLoop.freeze();
    const dialled = dial();
    clock.runFor(10);
    b.loseListeners('gone');
    bLoop.thaw();
    clock.runFor(10);
    expect(acceptor.handlers).toEqual([]);
    expect(dialled.link!.isClosed).toBe(true);
  });

  it('that dies without waking never hears anything, and its peers hear that the links ended', () => {
    const { here, there } = pair();
    bLoop.freeze();
    here.link.send(chunk(0));
    clock.runFor(10);
    bLoop.kill();
    network.crash('b');
    clock.runFor(100);
    expect(there.calls).toEqual([]);
    expect(here.isClosed).toBe(true);
  });
});

describe('the ways of a network', () => {
  it('lose links in one direction only, when they are told to', () => {
    const { here, there } = pair();
    network.setLossOneWay('a', 'b', 1);
    there.link.send(chunk(0));
    clock.runFor(10);
    expect(here.calls).toEqual(['frame', 'batchEnd']);
    here.link.send(chunk(0));
    clock.runFor(10);
    expect([here.isClosed, there.isClosed]).toEqual([true, true]);
    network.clearWays();
    const again = pair();
    again.here.link.send(chunk(0));
    clock.runFor(10);
    expect(again.there.frames).toHaveLength(1);
  });

  it('refuse or swallow new dials, until they are healed', () => {
    network.answerDials('a', 'b', 'drop');
    const swallowed = dial();
    clock.runFor(2000);
    expect(swallowed.failed).toBe('silent');
    network.answerDials('a', 'b', 'refuse');
    const refused = dial();
    clock.runFor(10);
    expect(refused.failed).toBe('refused');
    network.healOneWay('a', 'b');
    const allowed = dial();
    clock.runFor(10);
    expect(allowed.link).toBeDefined();
  });

  it('take as long as is drawn, in one direction', () => {
    const { here, there } = pair();
    network.setDelayOneWay('a', 'b', () => 30);
    here.link.send(chunk(0));
    there.link.send(chunk(0));
    clock.runFor(5);
    expect([here.frames.length, there.frames.length]).toEqual([1, 0]);
    clock.runFor(26);
    expect(there.frames).toHaveLength(1);
  });
});
