import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../../src/cluster/system-clock.js';
import { createNodeId } from '../../../src/node-id.js';
import { encodeFrame } from '../../../src/transport/session/codec.js';
import type { Frame, HelloFrame } from '../../../src/transport/session/frame.js';
import { FrameSplitter } from '../../../src/transport/session/frame-splitter.js';
import { createTcpTransport } from '../../../src/transport/tcp/tcp-transport.js';
import type { Binding, Transport } from '../../../src/transport/transport.js';
import { EXAMPLES } from '../session/frames.js';

/** fast-check prints its seed when a case fails; FC_SEED repeats it. */
const seed = process.env['FC_SEED'] === undefined ? undefined : Number(process.env['FC_SEED']);
const runs = (numRuns: number) => (seed === undefined ? { numRuns } : { numRuns, seed });

const HANDSHAKE_MS = 150;
const CLUSTER = 'hostile';
const id = (n: number) => createNodeId(n, new Uint8Array(10).fill(n & 255));
const hello: HelloFrame = {
  type: 'hello',
  purpose: 'payload',
  minVersion: 1,
  maxVersion: 1,
  clusterName: CLUSTER,
  id: id(66),
  address: { host: '127.0.0.1', port: 9 },
  wanted: undefined,
  serializer: '',
  record: new Uint8Array(0),
  offer: { epoch: 1, firstUnacked: 0 },
  name: 'stranger',
};

let victim: Node;
let friend: Node;

interface Node {
  readonly transport: Transport;
  readonly binding: Binding;
  readonly logs: string[];
}

beforeAll(async () => {
  victim = await node(1);
  friend = await node(2);
});

afterAll(async () => {
  await Promise.all([victim.transport.close(), friend.transport.close()]);
  expect(process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind))).toEqual([]);
});

describe('a stranger that is no peer', () => {
  it('TLS: the log says that the peer speaks TLS', async () => {
    const before = closes('tls');
    await new Promise<void>((resolve) => {
      const socket = connectTls({ ...where(), rejectUnauthorized: false });
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
    });
    await counted('tls', before);
    expect(victim.logs.join('\n')).toMatch(/The peer speaks TLS/);
  });

  it('HTTP: the log says that it is text', async () => {
    const before = closes('not-clusterpack');
    await new Promise<void>((resolve) => {
      get({ ...where(), path: '/' }).on('error', () => resolve());
    });
    await counted('not-clusterpack', before);
    expect(victim.logs.join('\n')).toMatch(/does not speak this protocol/);
  });

  it('one that says nothing is cut off at the handshake deadline', async () => {
    const before = closes('handshake-timeout');
    const started = performance.now();
    await talk([]);
    expect(performance.now() - started).toBeGreaterThan(HANDSHAKE_MS - 20);
    await counted('handshake-timeout', before);
  });

  it('one that sends a hello byte by byte is cut off at the same deadline', async () => {
    const started = performance.now();
    const socket = open();
    const bytes = encodeFrame({ ...hello, record: new Uint8Array(8000) });
    for (let i = 0; i < bytes.length && !socket.destroyed; i++) {
      socket.write(bytes.subarray(i, i + 1));
      await pause(5);
    }
    await closed(socket);
    expect(performance.now() - started).toBeLessThan(HANDSHAKE_MS * 10);
  });

  it.each([
    ['frame-empty', [0x80, 0, 0, 0, 0]],
    ['frame-too-long', [0x80, 0xff, 0xff, 0xff, 0xff]],
    ['frame-too-long', [0x80, 0x80, 0, 0, 0]],
    ['unknown-type', [0xfe, 0, 0, 0, 1, 0]],
    ['malformed', [0x80, 0, 0, 0, 6, 0x43, 0x4c, 0x50, 0x4b, 1, 77]],
    ['layout', [0x80, 0, 0, 0, 6, 0x43, 0x4c, 0x50, 0x4b, 9, 77]],
  ])('%s: closed, counted, and one line says why', async (word, bytes) => {
    const before = closes(word);
    await talk([Uint8Array.from(bytes)]);
    await counted(word, before);
    expect(victim.logs.some((line) => line.includes(word))).toBe(true);
  });

  it('every frame type, cut at every length: the connection closes', async () => {
    const frames: Frame[] = [hello, ...Object.values(EXAMPLES).filter((frame) => frame.type !== 'hello')];
    const before = total();
    let cases = 0;
    for (const frame of frames) {
      const bytes = encodeFrame(frame);
      for (let length = 1; length < bytes.length; length += 16) {
        // A batch at once: a case that waits for more waits until the sender ends.
        const lengths = Array.from({ length: Math.min(16, bytes.length - length) }, (_, i) => length + i);
        await Promise.all(lengths.map((cut) => talk([bytes.subarray(0, cut)], { end: true })));
        cases += lengths.length;
      }
    }
    await until(() => total() - before >= cases);
    expect(closes('truncated')).toBeGreaterThan(100);
  });

  it('random bytes: the connection closes', async () => {
    const noise = fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(noise, (pieces) => talk(pieces, { end: true })),
      runs(150),
    );
    // A first byte that is right gets deeper into the decoder.
    const begun = fc.tuple(fc.constantFrom(...Object.values(EXAMPLES)), fc.uint8Array({ maxLength: 500 }));
    await fc.assert(
      fc.asyncProperty(begun, ([frame, noise]) => talk([encodeFrame(frame), noise], { end: true })),
      runs(150),
    );
  });

  it('a hello with flipped bits: the connection closes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), (one, two) => {
        const bytes = encodeFrame(hello);
        for (const position of [one, two]) {
          const bit = position % (bytes.length * 8);
          bytes[bit >> 3]! ^= 1 << (bit & 7);
        }
        return talk([bytes], { end: true });
      }),
      runs(150),
    );
  });
});

describe('a peer that shook hands', () => {
  it('and then sends garbage: closed, counted, and one line says why', async () => {
    const before = closes('unknown-type');
    await impostor(101, [Uint8Array.of(0x13, 0x37, 0, 0, 0, 0)]);
    await counted('unknown-type', before);
  });

  it('and then sends a frame over the limit of its lane', async () => {
    const before = closes('frame-too-long');
    await impostor(102, [Uint8Array.of(0x90, 0x01, 0, 0, 0)]);
    await counted('frame-too-long', before);
  });

  it('and then shakes hands again, or ends the handshake again', async () => {
    for (const [n, frame] of [hello, EXAMPLES.welcome, EXAMPLES.ready].entries()) {
      await impostor(110 + n, [encodeFrame(frame)]);
    }
  });

  it('and then sends sequence numbers, totals and credit from the edges', async () => {
    const edge = 2 ** 48 - 1;
    const { data, ack, reject, credit } = EXAMPLES;
    const frames: Frame[] = [
      { ...data, seq: edge },
      { ...data, seq: 0, first: false },
      { ...data, seq: 0, first: true, last: false, totalBytes: edge },
      { ...data, seq: 0, first: true, last: false, totalBytes: 0 },
      { ...ack, expected: edge },
      { ...reject, seq: edge },
      { ...credit, messages: edge, bytes: edge },
      { ...EXAMPLES['permit-request'], bytes: edge },
      { ...EXAMPLES.permit, bytes: edge },
    ];
    for (const [n, frame] of frames.entries()) await impostor(120 + n, [encodeFrame(frame)], { end: true });
  });

  it('and then sends random frames', async () => {
    let n = 1000;
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.constantFrom(...Object.values(EXAMPLES)).map(encodeFrame),
      ),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, (bytes) => impostor(n++, bytes, { end: true })),
      runs(150),
    );
  });
});

describe('after all this', () => {
  it('the node serves its friends, and holds no connection of strangers', async () => {
    await until(() => victim.transport.stats.sockets === 0);
    await friend.transport.send({ address: victim.binding.advertised, id: id(1) }, Uint8Array.of(1));
    expect(victim.transport.stats.payloadLinks).toBe(1);
  });

  it('the log stayed short', () => {
    expect(victim.logs.length).toBeLessThan(60);
  });
});

async function node(n: number): Promise<Node> {
  const logs: string[] = [];
  const write = (message: string): void => void logs.push(message);
  const transport = createTcpTransport({
    clusterName: CLUSTER,
    id: id(n),
    clock: systemClock(),
    random: Math.random,
    logger: { debug: () => undefined, log: write, warn: write, error: write },
    deadlines: { handshakeMs: HANDSHAKE_MS, connectMs: 500 },
  });
  const host = { receive: (message: { release(): void }) => (message.release(), 'held' as const) };
  const binding = await transport.bind({ host: '127.0.0.1', port: 0 }, { host });
  return { transport, binding, logs };
}

function where() {
  const { host, port } = victim.binding.bound;
  return { host, port };
}

function open(): Socket {
  const socket = connect({ ...where(), noDelay: true });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

/** Sends pieces, and resolves when the connection is closed. */
async function talk(pieces: readonly Uint8Array[], options: { readonly end?: boolean } = {}): Promise<void> {
  const socket = open();
  for (const piece of pieces) socket.write(piece);
  if (options.end === true) socket.end();
  await closed(socket);
}

/** Shakes hands as a peer of its own id, sends pieces, and resolves when the connection is closed. */
async function impostor(
  n: number,
  pieces: readonly Uint8Array[],
  options: { readonly end?: boolean } = {},
): Promise<void> {
  const socket = open();
  const answers: string[] = [];
  const splitter = new FrameSplitter((frame) => {
    answers.push(frame.type);
    if (frame.type !== 'welcome') return;
    socket.write(encodeFrame({ type: 'ready', answer: { known: false, expected: 0 } }));
    for (const piece of pieces) socket.write(piece);
    if (options.end === true) socket.end();
  });
  splitter.limitBytes = 1024 * 1024;
  socket.on('data', (piece) => splitter.push(piece));
  socket.write(encodeFrame({ ...hello, id: id(n) }));
  await closed(socket);
  expect(answers[0]).toBe('welcome');
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function closes(word: string): number {
  return victim.transport.stats.closedFor[word] ?? 0;
}

function total(): number {
  return Object.values(victim.transport.stats.closedFor).reduce((sum, n) => sum + n, 0);
}

function counted(word: string, before: number): Promise<void> {
  return until(() => closes(word) > before);
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > giveUpAtMs)
      throw new Error(`Never came to hold: ${JSON.stringify(victim.transport.stats)}`);
    await pause(2);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
