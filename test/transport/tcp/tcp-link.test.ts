import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/logger.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import type { Frame } from '../../../src/transport/session/frame.js';
import { FrameSplitter } from '../../../src/transport/session/frame-splitter.js';
import { ArenaPool } from '../../../src/transport/tcp/arena-pool.js';
import { TcpLink } from '../../../src/transport/tcp/tcp-link.js';
import { DEFAULT_TCP_LIMITS } from '../../../src/transport/tcp/tcp-options.js';
import { WriteQueue } from '../../../src/transport/tcp/write-queue.js';
import { RecordingHandler } from '../recording-handler.js';
import { EXAMPLES } from '../session/frames.js';

const KIB = 1024;

/** A socket whose kernel takes everything at once, or nothing until it is told to. */
class FakeSocket extends EventEmitter {
  /** What was handed over together: a corked write is one. */
  readonly writes: Buffer[] = [];
  writableLength = 0;
  isStuck = false;
  isDestroyed = false;
  #corked: Buffer[] | undefined;
  #callbacks: (() => void)[] = [];

  destroy(): void {
    this.isDestroyed = true;
  }

  cork(): void {
    this.#corked = [];
  }

  uncork(): void {
    const pieces = this.#corked!;
    this.#corked = undefined;
    this.#hand(pieces);
  }

  write(piece: Buffer, written?: () => void): void {
    if (written !== undefined) this.#callbacks.push(written);
    if (this.#corked === undefined) this.#hand([piece]);
    else this.#corked.push(piece);
  }

  /** The kernel has taken what it was handed; Node tells it later, never within the write. */
  tellWritten(): void {
    this.writableLength = 0;
    for (const written of this.#callbacks.splice(0)) written();
  }

  #hand(pieces: Buffer[]): void {
    // A copy: buffers that were written are used again.
    const bytes = Buffer.concat(pieces);
    this.writes.push(bytes);
    if (this.isStuck) this.writableLength += bytes.length;
  }
}

/** A link over such a socket; turns of the loop end when the test says so. */
class TestLink {
  readonly socket = new FakeSocket();
  readonly link: TcpLink;
  readonly handler: RecordingHandler;
  #ending: TcpLink[] = [];
  #writesBefore = 0;

  constructor() {
    const socket = this.socket as unknown as Socket;
    this.link = new TcpLink(
      socket,
      { socket, credentials: undefined },
      {
        clock: new VirtualClock(),
        logger: silentLogger,
        limits: DEFAULT_TCP_LIMITS,
        arenas: new ArenaPool(),
        links: new Set(),
        bytesIn: 0,
        bytesOut: 0,
        atTurnEnd: (link) => void this.#ending.push(link),
      },
      'test',
      () => undefined,
    );
    this.handler = new RecordingHandler(this.link);
    this.link.open(this.handler);
  }

  /** Everything of this turn has been handled; the next one begins with what the kernel tells. */
  endTurn(): void {
    this.#writesBefore = this.socket.writes.length;
    for (const link of this.#ending.splice(0)) link.turnEnded();
    this.socket.tellWritten();
  }

  get turnIsOpen(): boolean {
    return this.#ending.length > 0;
  }

  /** The sizes of the writes since the last turn ended, those of its end included. */
  get sizes(): number[] {
    return this.socket.writes.slice(this.#writesBefore).map((bytes) => bytes.length);
  }

  /** The frames of each write. */
  get written(): Frame[][] {
    let frames: Frame[] = [];
    const splitter = new FrameSplitter((frame) => frames.push(frame));
    splitter.limitBytes = KIB * KIB;
    return this.socket.writes.map((bytes) => {
      frames = [];
      splitter.push(bytes);
      return frames;
    });
  }

  get seqs(): number[] {
    return this.written.flat().map((frame) => (frame.type === 'data' ? frame.seq : -1));
  }
}

describe('what a link hands to the kernel', () => {
  it('ends for this turn with 256 KiB; the rest follows in later turns, in order', () => {
    const test = new TestLink();
    const perTurn: number[] = [];
    let seq = 0;
    for (let turn = 0; turn < 5; turn++) {
      while (test.link.send(data(seq++, 40 * KIB)));
      const { sizes } = test;
      perTurn.push(sizes.length);
      // Nothing more was written in a turn that had handed over so much already.
      expect(sum(sizes.slice(0, -1))).toBeLessThan(256 * KIB);
      expect(sum(sizes)).toBeGreaterThanOrEqual(256 * KIB);
      expect(test.link.bufferedBytes).toBeGreaterThan(256 * KIB);
      test.endTurn();
    }
    // 7 frames of 40 KiB are the first to reach 256 KiB; what waits at the end of a turn leaves in one write.
    expect(perTurn).toEqual([7, 1, 1, 1, 1]);
    while (test.turnIsOpen) test.endTurn();
    expect(test.seqs).toEqual(Array.from({ length: seq }, (_, i) => i));
    expect(test.link.bufferedBytes).toBe(0);
  });

  it('begins anew with each turn', () => {
    const test = new TestLink();
    for (const first of [0, 6, 12]) {
      for (let i = 0; i < 6; i++) test.link.send(data(first + i, 40 * KIB));
      expect(test.seqs).toHaveLength(first + 6);
      while (test.turnIsOpen) test.endTurn();
    }
  });

  it('is more than one write in a turn when the kernel has taken the first', () => {
    const test = new TestLink();
    for (let seq = 0; seq < 3; seq++) test.link.send(data(seq, 40 * KIB));
    expect(test.written.map((frames) => frames.length)).toEqual([1, 1, 1]);
    expect(test.link.bufferedBytes).toBe(0);
  });

  it('is one write at a time while the kernel has not taken it', () => {
    const test = new TestLink();
    test.socket.isStuck = true;
    for (let seq = 0; seq < 3; seq++) test.link.send(data(seq, 40 * KIB));
    expect(test.seqs).toEqual([0]);
    expect(test.link.flushedFrames).toBe(1);
    expect(test.link.bufferedBytes).toBeGreaterThan(120 * KIB);
    test.endTurn();
    expect(test.seqs).toEqual([0, 1, 2]);
    test.endTurn();
    expect(test.link.bufferedBytes).toBe(0);
  });
});

describe('the first frame of a turn', () => {
  it('is written at once on a quiet link, each turn again; those after it leave together at the end', () => {
    const test = new TestLink();
    for (let turn = 0; turn < 3; turn++) {
      test.link.send(EXAMPLES.ack);
      expect(test.sizes).toHaveLength(1);
      test.endTurn();
      expect(test.sizes).toHaveLength(0);
    }
    for (let i = 0; i < 3; i++) test.link.send(EXAMPLES.ack);
    expect(test.sizes).toHaveLength(1);
    test.endTurn();
    expect(test.written.map((frames) => frames.length)).toEqual([1, 1, 1, 1, 2]);
  });

  it('waits for the others after a busy turn, until one had a single frame', () => {
    const test = new TestLink();
    for (let i = 0; i < 2; i++) test.link.send(EXAMPLES.ack);
    test.endTurn();
    test.link.send(EXAMPLES.ack);
    expect(test.written).toHaveLength(2);
    test.endTurn();
    expect(test.written).toHaveLength(3);
    test.link.send(EXAMPLES.ack);
    expect(test.written).toHaveLength(4);
  });
});

describe('what a read causes', () => {
  it('leaves in one write at the end of the turn, the acknowledgement with the reply', () => {
    const test = new TestLink();
    const { handler, link, socket } = test;
    const reply = data(7, 100);
    handler.frame = () => void link.send(reply);
    handler.batchEnd = () => void link.send({ type: 'ack', expected: 1 });
    socket.emit('data', bytesOf(data(0, 10)));
    expect(socket.writes).toHaveLength(0);
    test.endTurn();
    expect(test.written).toEqual([[reply, { type: 'ack', expected: 1 }]]);
  });

  it('leaves at the end of the turn even if it is one frame, and so do others of that turn', () => {
    const test = new TestLink();
    test.handler.batchEnd = () => void test.link.send({ type: 'ack', expected: 1 });
    test.socket.emit('data', bytesOf(data(0, 10)));
    test.link.send(data(0, 10));
    expect(test.written).toEqual([]);
    test.endTurn();
    expect(test.written).toEqual([[{ type: 'ack', expected: 1 }, data(0, 10)]]);
  });

  it('is no reason to hold back what is sent in another turn', () => {
    const test = new TestLink();
    test.handler.frame = () => void test.link.send(EXAMPLES.ack);
    test.socket.emit('data', bytesOf(data(0, 10)));
    test.endTurn();
    test.link.send(EXAMPLES.ack);
    expect(test.written).toHaveLength(2);
  });
});

describe('a chunk whose bytes may change', () => {
  it('arrives as it was, if it still waits; other chunks are left as they are', () => {
    const test = new TestLink();
    test.socket.isStuck = true;
    const chunks = [0, 1, 2].map((seq) => data(seq, 40 * KIB));
    for (const frame of chunks) test.link.send(frame);
    const before = chunks.map(({ chunk }) => Buffer.from(chunk));
    test.link.detach(chunks[1]!.chunk);
    chunks[1]!.chunk.fill(0xee);
    test.endTurn();
    test.endTurn();
    expect(test.socket.isDestroyed).toBe(false);
    const written = test.written
      .flat()
      .map((frame) => (frame.type === 'data' ? Buffer.from(frame.chunk) : undefined));
    expect(written.map((chunk, i) => chunk?.equals(before[i]!))).toEqual([true, true, true]);
  });

  it('ends the link, if the kernel is about to take it', () => {
    const test = new TestLink();
    test.socket.isStuck = true;
    const [first, second] = [data(0, 40 * KIB), data(1, 40 * KIB)];
    test.link.send(first);
    test.link.send(second);
    test.link.detach(first.chunk);
    expect(test.socket.isDestroyed).toBe(true);
  });

  it('does not matter once the kernel has it', () => {
    const test = new TestLink();
    const frame = data(0, 40 * KIB);
    test.link.send(frame);
    test.link.detach(frame.chunk);
    expect(test.socket.isDestroyed).toBe(false);
  });
});

function data(seq: number, size: number) {
  const chunk = Buffer.alloc(size, seq + 1);
  return { ...EXAMPLES.data, seq, first: true, last: true, totalBytes: size, chunk };
}

function bytesOf(frame: Frame): Buffer {
  const queue = new WriteQueue(new ArenaPool());
  queue.add(frame);
  return Buffer.concat(queue.take().segments);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
