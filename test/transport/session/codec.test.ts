import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ProtocolViolationError, SerializationError } from '../../../src/errors.js';
import { encodeFrame, headBytes, tailOf, writeHead } from '../../../src/transport/session/codec.js';
import type { Frame } from '../../../src/transport/session/frame.js';
import { FrameSplitter } from '../../../src/transport/session/frame-splitter.js';
import { anyFrame, EXAMPLES } from './frames.js';

const MEGABYTE = 1024 * 1024;

describe('frames as bytes', () => {
  it('come back as they were, however the stream is cut into pieces', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 8 }), pieces, (frames, sizes) => {
        // Jest's own comparison takes seconds for large arrays; a failure shows the frames anyway.
        expect(isDeepStrictEqual(split(join(frames.map(encodeFrame)), sizes, copied), frames)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('come back when every byte arrives alone', () => {
    const frames = Object.values(EXAMPLES);
    expect(split(join(frames.map(encodeFrame)), [1])).toEqual(frames);
  });

  it('have the size that was announced, and begin outside ASCII and TLS', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const bytes = encodeFrame(frame);
        expect(bytes.length).toBe(headBytes(frame) + tailOf(frame).length);
        expect(bytes[0]).toBeGreaterThanOrEqual(0x80);
      }),
    );
  });

  it('are written at an offset and touch nothing else', () => {
    fc.assert(
      fc.property(anyFrame, fc.integer({ min: 0, max: 50 }), (frame, offset) => {
        const target = new Uint8Array(offset + headBytes(frame) + 10).fill(0xee);
        const end = writeHead(frame, target, offset);
        expect(end - offset).toBe(headBytes(frame));
        expect([...target.subarray(0, offset), ...target.subarray(end)].every((byte) => byte === 0xee)).toBe(
          true,
        );
      }),
    );
  });

  it('refuse a protocol body that is no bytes', () => {
    expect(() => encodeFrame({ type: 'protocol', body: { ping: 1 } })).toThrow(SerializationError);
    expect(() => encodeFrame({ type: 'protocol', body: new Uint8Array(0) })).toThrow(SerializationError);
  });

  it('refuse a meta over its limit', () => {
    expect(() => encodeFrame({ ...EXAMPLES.data, meta: new Uint8Array(8193) })).toThrow(SerializationError);
  });
});

describe('payload bytes', () => {
  it('are copies below 4 KiB and views from there on', () => {
    const [small, large] = [4095, 4096].map((size) => {
      const bytes = encodeFrame({ ...EXAMPLES.data, chunk: new Uint8Array(size) });
      const [frame] = split(bytes, [bytes.length]);
      return frame?.type === 'data' ? frame.chunk.buffer === bytes.buffer : undefined;
    });
    expect([small, large]).toEqual([false, true]);
  });
});

describe('the meta of a message', () => {
  const first = (meta: Uint8Array): Frame => ({ ...EXAMPLES.data, meta, chunk: new Uint8Array(40_000) });
  const metaOf = (frame: Frame | undefined) => (frame?.type === 'data' ? frame.meta : undefined);

  it('is the same array as long as it says the same, and another one for what only looks alike', () => {
    const metas = ['pattern', 'pattern', 'putting', 'pattern'].map((text) => Buffer.from(text));
    const frames = split(join(metas.map((meta) => encodeFrame(first(meta)))), [1_000_000]);
    expect(frames.map((frame) => Buffer.from(metaOf(frame)!).toString('latin1'))).toEqual(metas.map(String));
    expect(metaOf(frames[0])).toBe(metaOf(frames[1]));
  });

  it.each([100, 500])('of %i bytes keeps nothing alive of the pieces that it came in', (bytes) => {
    const whole = encodeFrame(first(new Uint8Array(bytes).fill(7)));
    for (const sizes of [[whole.length], [5000]])
      expect(metaOf(split(whole, sizes)[0])!.buffer.byteLength).toBe(bytes);
  });
});

describe('bytes that are no frames', () => {
  it.each([
    ['TLS', [0x16, 0x03, 0x01], 'tls'],
    ['HTTP', [...Buffer.from('GET / HTTP/1.1')], 'not-clusterpack'],
    ['an unknown type', [0xff], 'unknown-type'],
    ['a length of 0', [0x91, 0, 0, 0, 0], 'frame-empty'],
    ['a length of 2^32 − 1', [0x91, 0xff, 0xff, 0xff, 0xff], 'frame-too-long'],
    ['a length one above the limit', [0x88, 0, 0, 0x40, 1], 'frame-too-long'],
    ['an ack that is too short', [0x91, 0, 0, 0, 1, 0], 'malformed'],
    ['an ack that is too long', [0x91, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
    ['a reject without a reason', [0x92, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 9], 'malformed'],
    ['unknown flags', [0x90, 0, 0, 0, 8, 0xff, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
    ['a later chunk with a correlation', [0x90, 0, 0, 0, 8, 0x0a, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
    ['a correlation of 0', [0x90, 0, 0, 0, 15, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
    ['a hello of another program', [0x80, 0, 0, 0, 5, 1, 2, 3, 4, 5], 'not-clusterpack'],
    ['a hello of another layout', [0x80, 0, 0, 0, 5, 0x43, 0x4c, 0x50, 0x4b, 2], 'layout'],
  ])('%s: named by a word', (_name, bytes, violation) => {
    expect(violationOf(Uint8Array.from(bytes))).toBe(violation);
  });

  it('a text protocol is told from a frame only by the first byte of the connection', () => {
    const bytes = join([encodeFrame(EXAMPLES.ack), Buffer.from('GET')]);
    expect(violationOf(bytes)).toBe('unknown-type');
  });

  it('every frame, its body cut at every length, is refused or read as something shorter', () => {
    for (const frame of Object.values(EXAMPLES)) {
      const whole = encodeFrame(frame);
      for (let length = 0; length < whole.length - 5; length++) {
        const cut = whole.slice(0, 5 + length);
        new DataView(cut.buffer).setUint32(1, length);
        const violation = violationOf(cut);
        const readable = frame.type === 'data' && length >= whole.length - 5 - frame.chunk.length;
        if (!readable) expect(violation).toMatch(/^(malformed|frame-empty|not-clusterpack)$/);
      }
    }
  });

  it('random bytes end in a violation or wait for more, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...Object.values(EXAMPLES)),
        (noise, frame) => {
          const start = encodeFrame(frame);
          for (const bytes of [noise, join([start, noise]), join([start.subarray(0, 5), noise])])
            violationOf(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('flipped bits end in a violation or in another frame, and nothing else', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), (frame, position) => {
        const bytes = encodeFrame(frame);
        const bit = position % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        violationOf(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a splitter', () => {
  it('applies a new limit to the very next frame', () => {
    const large = encodeFrame({ type: 'protocol', body: new Uint8Array(20_000) });
    const bytes = join([encodeFrame(EXAMPLES.ready), large]);
    const seen: string[] = [];
    const splitter = new FrameSplitter((frame) => {
      seen.push(frame.type);
      splitter.limitBytes = MEGABYTE;
    });
    splitter.push(bytes);
    expect(seen).toEqual(['ready', 'protocol']);
  });

  it('small payloads outlive the bytes that came, and each other', () => {
    const frames = Array.from({ length: 300 }, (_, seq) => dataFrame(seq, 20 + ((seq * 37) % 400)));
    const bytes = join(frames.map(encodeFrame));
    const seen: Frame[] = [];
    const splitter = new FrameSplitter((frame) => void seen.push(frame));
    splitter.limitBytes = MEGABYTE;
    for (let at = 0; at < bytes.length; at += 5000) {
      const piece = bytes.slice(at, at + 5000);
      splitter.push(piece);
      piece.fill(0);
    }
    expect(isDeepStrictEqual(seen, frames)).toBe(true);
  });

  it('parts of a payload share buffers, and nothing else does', () => {
    const whole = dataFrame(0, 100_000);
    const parts = [1, 2, 3].map((seq) => ({ ...dataFrame(seq, 100_000), first: false, totalBytes: 0 }));
    const seen: Uint8Array[] = [];
    const copies: Buffer[] = [];
    const splitter = new FrameSplitter((frame) => {
      if (frame.type !== 'data') return;
      seen.push(frame.chunk);
      copies.push(Buffer.from(frame.chunk));
    });
    splitter.limitBytes = MEGABYTE;
    for (const frame of [whole, ...parts, dataFrame(4, 100_000)]) {
      const bytes = encodeFrame(frame);
      splitter.push(bytes.subarray(0, 60_000));
      splitter.push(bytes.subarray(60_000));
    }
    expect(copies.map((copy) => copy.equals(dataFrame(copy[0]!, 100_000).chunk))).toEqual(
      Array(5).fill(true),
    );
    expect(seen[1]!.buffer).toBe(seen[2]!.buffer);
    expect([Buffer.from(seen[0]!).equals(copies[0]!), seen[0]!.buffer === seen[1]!.buffer]).toEqual([
      true,
      false,
    ]);
  });

  it('gives nothing after it was stopped from within', () => {
    const seen: string[] = [];
    const splitter = new FrameSplitter((frame) => {
      seen.push(frame.type);
      splitter.stop();
    });
    splitter.push(join([encodeFrame(EXAMPLES.ack), encodeFrame(EXAMPLES.credit)]));
    splitter.push(encodeFrame(EXAMPLES.ack));
    expect(seen).toEqual(['ack']);
  });

  it('knows whether the stream ends within a frame', () => {
    const splitter = new FrameSplitter(() => undefined);
    const bytes = encodeFrame(EXAMPLES.hello);
    splitter.push(bytes.subarray(0, 3));
    expect(splitter.midFrame).toBe(true);
    splitter.push(bytes.subarray(3));
    expect(splitter.midFrame).toBe(false);
  });

  it('makes room only once the length was found within the limit', () => {
    const asked: number[] = [];
    const allocate = (bytes: number) => {
      asked.push(bytes);
      return new Uint8Array(bytes);
    };
    const splitter = new FrameSplitter(() => undefined, allocate);
    expect(() => splitter.push(Uint8Array.of(0x90, 0x7f, 0xff, 0xff, 0xff))).toThrow(ProtocolViolationError);
    expect(asked).toEqual([]);
  });
});

describe('words that a newer version may have', () => {
  it('an unknown refusal keeps its detail, an unknown goodbye is a shutdown', () => {
    const refuse = encodeFrame({ type: 'refuse', reason: 'brand-new' as 'left', detail: 'why' });
    const goodbye = encodeFrame({ type: 'goodbye', reason: 'brand-new' as 'left' });
    expect(split(join([refuse, goodbye]), [1000])).toEqual([
      { type: 'refuse', reason: 'malformed', detail: 'why' },
      { type: 'goodbye', reason: 'shutdown' },
    ]);
  });

  it('fields behind the known ones are ignored', () => {
    const ready = encodeFrame(EXAMPLES.ready);
    const longer = join([ready, Uint8Array.of(1, 2, 3)]);
    new DataView(longer.buffer).setUint32(1, longer.length - 5);
    expect(split(longer, [1000])).toEqual([EXAMPLES.ready]);
  });
});

/** A whole payload, all of whose bytes are its number. */
function dataFrame(seq: number, bytes: number): Extract<Frame, { type: 'data' }> {
  const chunk = new Uint8Array(bytes).fill(seq);
  const meta = new Uint8Array(0);
  return {
    type: 'data',
    seq,
    stream: 0,
    first: true,
    last: true,
    free: false,
    kind: 0,
    meta,
    correlation: 0,
    totalBytes: bytes,
    chunk,
  };
}

/** The chunk of a part is valid only while it is given. */
function copied(frame: Frame): Frame {
  return frame.type === 'data' ? { ...frame, chunk: frame.chunk.slice() } : frame;
}

function split(bytes: Uint8Array, sizes: readonly number[], take = (frame: Frame): Frame => frame): Frame[] {
  const frames: Frame[] = [];
  const splitter = new FrameSplitter((frame) => frames.push(take(frame)));
  splitter.limitBytes = MEGABYTE;
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    splitter.push(bytes.subarray(at, at + size));
    at += size;
  }
  return frames;
}

function violationOf(bytes: Uint8Array): string | undefined {
  try {
    new FrameSplitter(() => undefined).push(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolViolationError) return error.violation;
    throw error;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
