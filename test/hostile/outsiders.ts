import fc from 'fast-check';
import { encodeFrame } from '../../src/transport/session/codec.js';
import type { Frame, HelloFrame } from '../../src/transport/session/frame.js';
import type { NodeId } from '../../src/node-id.js';
import { anyFrame, EXAMPLES } from '../transport/session/frames.js';
import { HOST, ID, PORT, type Play } from './play.js';
import type { Recording } from './recording.js';
import type { Round } from './round.js';
import {
  anyId,
  anyMessage,
  anyUpdate,
  errand,
  freshId,
  gossip,
  hostileValue,
  joinOf,
  memberRecord,
  pack,
  plainRecord,
  syncPart,
  trapKeys,
  u48,
} from './values.js';

/** A way to hurt a node, as plays that follow from a round. */
export interface Attack {
  readonly name: string;
  /** How many of its plays run at the same time. Default: 16. */
  readonly atOnce?: number;
  /** Whether it takes its time, in which others can run. Default: false. */
  readonly isSlow?: boolean;
  plays(round: Round): readonly Omit<Play, 'attack'>[];
}

/** What attacks are made of. */
export interface Material {
  readonly clusterName: string;
  readonly recordings: readonly Recording[];
}

/** Of an attack, in a round. */
const CASES = 150;
const CUTS_PER_ROUND = 200;
const SILENT = 2000;
/** TCP heads that promise so much. */
const LENGTHS = [
  0,
  1,
  16 * 1024,
  16 * 1024 + 1,
  256 * 1024,
  256 * 1024 + 1,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
];
const TYPES = [0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95];
const NOTHING = new Uint8Array(0);

/** A hello that is accepted, by somebody whom no member knows. */
export function hello(
  clusterName: string,
  id: NodeId,
  purpose: HelloFrame['purpose'],
  fields: Partial<HelloFrame> = {},
): HelloFrame {
  const payload = purpose === 'payload';
  return {
    ...EXAMPLES.hello,
    purpose,
    clusterName,
    id,
    address: { host: HOST, port: 9 },
    wanted: undefined,
    serializer: payload ? 'msgpack' : '',
    record: payload ? plainRecord(id, 9) : NOTHING,
    offer: payload ? { epoch: 1, firstUnacked: 0 } : undefined,
    ...fields,
  };
}

const lane = fc.constantFrom<HelloFrame['purpose']>('protocol', 'payload', 'verify');

/** A frame of the protocol lane; what is over the lane's limit is sent all the same. */
export const protocolFrame = (body: Uint8Array): Uint8Array => encodeFrame({ type: 'protocol', body });

/** Everything that somebody can do who is no member, with and without the cluster's name. */
export function outsiders({ clusterName, recordings }: Material): readonly Attack[] {
  const stranger = (id: NodeId, purpose: HelloFrame['purpose'], fields?: Partial<HelloFrame>): HelloFrame =>
    hello(clusterName, id, purpose, fields);
  const examples = Object.values(EXAMPLES).map((frame) =>
    frame.type === 'hello' ? encodeFrame({ ...frame, clusterName }) : encodeFrame(frame),
  );
  const cuts = examples.flatMap((bytes) =>
    Array.from({ length: bytes.length - 1 }, (_, i) => bytes.subarray(0, i + 1)),
  );
  const frame = fc.oneof(anyFrame, edgeFrame).map(encodeFrame);
  const recording = fc.constantFrom(...recordings);

  return [
    {
      name: 'random bytes',
      plays: (round) =>
        round
          .draw(
            fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { minLength: 1, maxLength: 5 }),
            CASES,
          )
          .map((pieces) => ({ pieces })),
    },
    {
      name: 'a frame, then random bytes',
      plays: (round) =>
        round
          .draw(fc.tuple(frame, fc.uint8Array({ maxLength: 2000 })), CASES)
          .map(([first, noise]) => ({ pieces: [first, noise] })),
    },
    {
      name: 'a frame cut off, before the handshake',
      plays: (round) => round.slice(cuts, CUTS_PER_ROUND).map((piece) => ({ pieces: [piece] })),
    },
    {
      name: 'a frame cut off, after the handshake',
      plays: (round) =>
        zip(round.slice(cuts, CUTS_PER_ROUND), round.draw(fc.tuple(freshId, lane), CUTS_PER_ROUND)).map(
          ([piece, [id, purpose]]) => ({ hello: stranger(id, purpose), pieces: [piece] }),
        ),
    },
    {
      name: 'lengths of nothing and of everything',
      plays: (round) => {
        const heads = TYPES.flatMap((type) => LENGTHS.map((length) => head(type, length)));
        const chosen = round.slice(heads, 60);
        const known = round.draw(fc.tuple(fc.option(freshId), lane, fc.uint8Array({ maxLength: 50 })), 60);
        return zip(chosen, known).map(([first, [id, purpose, rest]]) => ({
          hello: id === null ? undefined : stranger(id, purpose),
          pieces: [first, rest],
        }));
      },
    },
    {
      name: 'bit flips in a recorded session',
      plays: (round) =>
        round
          .draw(fc.tuple(recording, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.boolean()), CASES)
          .map(([{ toAcceptor }, places, inOnePiece]) => {
            const flipped = flip(toAcceptor, places);
            return { pieces: inOnePiece ? [Uint8Array.from(Buffer.concat(flipped))] : flipped };
          }),
    },
    {
      name: 'a recorded session, replayed, re-ordered or mixed',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              recording,
              recording,
              fc.constantFrom(0, 1, 2, 3, 4, 5),
              fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
            ),
            CASES,
          )
          .map(([one, other, how, numbers]) => ({ pieces: rearranged(one, other, how, numbers) })),
    },
    {
      name: 'handshakes with odd fields',
      plays: (round) =>
        round.draw(oddHello(clusterName), CASES).map(([first, isReady, then]) => ({
          pieces: [
            encodeOr(first),
            ...(isReady ? [encodeFrame({ type: 'ready', answer: { known: false, expected: 0 } }), then] : []),
          ],
        })),
    },
    {
      name: 'frames with numbers from the edges, after the handshake',
      plays: (round) =>
        round
          .draw(fc.tuple(freshId, lane, fc.array(frame, { minLength: 1, maxLength: 6 }), u48, u48), CASES)
          .map(([id, purpose, pieces, epoch, firstUnacked]) => ({
            hello: stranger(id, purpose, purpose === 'payload' ? { offer: { epoch, firstUnacked } } : {}),
            pieces,
          })),
    },
    {
      name: 'deep and huge values in protocol messages',
      plays: (round) =>
        round
          .draw(
            fc.tuple(freshId, fc.array(fc.oneof(hostileValue, anyMessage), { minLength: 1, maxLength: 4 })),
            CASES,
          )
          .map(([id, bodies]) => ({ hello: stranger(id, 'protocol'), pieces: bodies.map(protocolFrame) })),
    },
    {
      name: 'deep and huge values in payloads and records',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              freshId,
              memberRecord({ id: anyId }),
              hostileValue,
              hostileValue,
              trapKeys,
              fc.boolean(),
            ),
            CASES,
          )
          .map(([id, record, value, meta, pattern, isRecordOdd]) => ({
            hello: stranger(id, 'payload', isRecordOdd ? { record: record.subarray(0, 14_000) } : {}),
            pieces: [data(0, value, patternMeta(pattern)), data(1, value, meta.subarray(0, 8000))],
          })),
    },
    {
      name: 'messages of the protocol by a stranger',
      plays: (round) =>
        round
          .draw(fc.tuple(freshId, fc.array(anyMessage, { minLength: 1, maxLength: 12 })), CASES)
          .map(([id, bodies]) => ({ hello: stranger(id, 'protocol'), pieces: bodies.map(protocolFrame) })),
    },
    {
      name: 'a flood of news by a stranger',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              freshId,
              fc.array(fc.oneof(gossip(anyUpdate, 40), syncPart, errand), { minLength: 30, maxLength: 60 }),
            ),
            8,
          )
          .map(([id, bodies]) => ({
            hello: stranger(id, 'protocol'),
            pieces: [Buffer.concat(bodies.map(protocolFrame))],
          })),
    },
    {
      name: 'a storm of joins that lead nowhere',
      isSlow: true,
      plays: (round) =>
        round
          .draw(
            fc.tuple(freshId, fc.constantFrom(9, 1, PORT.attacker, PORT.second, PORT.target, PORT.third)),
            60,
          )
          .map(([id, port]) => ({
            hello: stranger(id, 'protocol', { address: { host: HOST, port } }),
            pieces: [
              protocolFrame(joinOf(id, port)),
              protocolFrame(pack([6, [[1, Buffer.from(plainRecord(id, port))]]])),
            ],
            ends: 'wait' as const,
          })),
    },
    {
      name: 'slow handshakes',
      isSlow: true,
      atOnce: 32,
      plays: (round) =>
        round.draw(fc.tuple(freshId, fc.integer({ min: 1, max: 9 })), 32).map(([id, size]) => ({
          pieces: sliced(encodeFrame(stranger(id, 'payload')), size),
          paceMs: 40,
          ends: 'wait' as const,
        })),
    },
    {
      name: 'slow bodies',
      isSlow: true,
      atOnce: 32,
      plays: (round) =>
        round.draw(fc.tuple(freshId, fc.integer({ min: 1, max: 40 })), 32).map(([id, size]) => ({
          hello: stranger(id, 'payload'),
          pieces: [head(0x90, 200_000), ...sliced(new Uint8Array(30 * size), size)],
          paceMs: 30,
        })),
    },
    {
      name: 'connections that say nothing',
      atOnce: SILENT,
      plays: () =>
        Array.from({ length: SILENT }, (_, n) => ({
          pieces: [],
          ends: 'wait' as const,
          // Half of them come from one address: both limits are hit.
          from: n % 2 === 0 ? '127.0.0.1' : `127.2.${n % 7}.${1 + (n % 250)}`,
        })),
    },
    {
      name: 'connections that end at once',
      plays: (round) =>
        round
          .draw(fc.constantFrom<'end' | 'reset'>('end', 'reset'), 60)
          .map((ends) => ({ pieces: [], ends })),
    },
  ];
}

/** What the attacker's listener says to nodes that dial it: recorded answers, flipped, cut or mixed; or noise. */
export function answers(round: Round, { recordings }: Material): readonly (readonly Uint8Array[])[] {
  const recording = fc.constantFrom(...recordings);
  const answer = fc.oneof(
    fc
      .tuple(recording, fc.array(fc.nat(), { maxLength: 3 }))
      .map(([{ toDialler }, places]) => flip(toDialler, places)),
    fc
      .tuple(
        recording,
        recording,
        fc.constantFrom(1, 2, 3),
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
      )
      .map(([one, other, how, numbers]) =>
        rearranged(
          { ...one, toAcceptor: one.toDialler },
          { ...other, toAcceptor: other.toDialler },
          how,
          numbers,
        ),
      ),
    fc.array(anyFrame.map(encodeFrame), { maxLength: 4 }),
    fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 2 }),
  );
  return round.draw(answer, 64);
}

const edgeFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc
    .tuple(
      u48,
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      u48,
      fc.uint8Array({ maxLength: 100 }),
    )
    .map(([seq, stream, first, last, free, totalBytes, chunk]) => ({
      ...EXAMPLES.data,
      ...{ seq, stream, first, last, free, chunk },
      ...(first ? { totalBytes } : { kind: 0, meta: NOTHING, correlation: 0, totalBytes: 0 }),
    })),
  u48.map((expected) => ({ type: 'ack' as const, expected })),
  fc.tuple(u48, u48).map(([seq, limitBytes]) => ({ ...EXAMPLES.reject, seq, limitBytes })),
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), u48, u48)
    .map(([stream, messages, bytes]) => ({ type: 'credit' as const, stream, messages, bytes })),
  fc
    .tuple(fc.constantFrom('permit' as const, 'permit-request' as const), fc.boolean(), u48)
    .map(([type, free, bytes]) => ({ type, stream: 3, free, bytes })),
);
export { edgeFrame };

type OddHello = [HelloFrame, boolean, Uint8Array];

/** One field of a good hello is odd, or several. */
function oddHello(clusterName: string): fc.Arbitrary<OddHello> {
  const port = fc.constantFrom(0, 1, 9, 65_535, PORT.target, PORT.second, PORT.attacker);
  const host = fc.constantFrom(
    HOST,
    '0.0.0.0',
    '::1',
    'localhost',
    'x'.repeat(253),
    '',
    'ä.example',
    '127.0.0.1\n',
  );
  const odd = fc.oneof<fc.Arbitrary<Partial<HelloFrame>>[]>(
    fc.tuple(u16, u16).map(([minVersion, maxVersion]) => ({ minVersion, maxVersion })),
    // A live id, and another cluster's name or version: refused before anybody asks who it is.
    fc.constantFrom(ID.target, ID.second, ID.third).map((id) => ({ id, clusterName: 'another cluster' })),
    fc.constantFrom(ID.target, ID.second, ID.third).map((id) => ({ id, minVersion: 7, maxVersion: 9 })),
    // The dialled node's own id, with its own address: it meets itself.
    fc.constant({ id: ID.target, address: { host: HOST, port: PORT.target } }),
    fc
      .constantFrom(
        '',
        'x'.repeat(255),
        '🦊'.repeat(63),
        `${clusterName} `,
        clusterName.toUpperCase(),
        '__proto__',
      )
      .map((name) => ({ clusterName: name })),
    fc.tuple(host, port).map(([name, number]) => ({ address: { host: name, port: number } })),
    fc.oneof(anyId, freshId).map((wanted) => ({ wanted })),
    fc.constantFrom('', 'json', 'x'.repeat(64), 'msgpack\u0000').map((serializer) => ({ serializer })),
    fc
      .oneof(hostileValue, memberRecord({ id: anyId }))
      .map((record) => ({ record: record.subarray(0, 14_336) })),
    fc.tuple(u48, u48).map(([epoch, firstUnacked]) => ({ offer: { epoch, firstUnacked } })),
    fc.constant({ offer: undefined }),
  );
  return fc
    .tuple(freshId, lane, fc.array(odd, { minLength: 1, maxLength: 2 }), fc.boolean(), anyMessage)
    .map(([id, purpose, odds, isReady, then]) => {
      const first = Object.assign(hello(clusterName, id, purpose), ...odds) as HelloFrame;
      // Whoever completes a handshake in a live member's name is that member in a plaintext cluster: an insider's attack.
      const isImpostor = first.id !== id && first.clusterName === clusterName && first.minVersion <= 1;
      return [first, isReady && !isImpostor, protocolFrame(then)];
    });
}

const u16 = fc.constantFrom(0, 1, 2, 255, 256, 65_535);

/** Some odd fields do not fit a frame: then the frame is not encoded, and what is sent says so by its type alone. */
function encodeOr(frame: Frame): Uint8Array {
  try {
    return encodeFrame(frame);
  } catch {
    return head(0x80, 16 * 1024);
  }
}

export function head(type: number, length: number): Uint8Array {
  return Uint8Array.from([type, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]);
}

/** A message in one frame, on stream 0. */
export function data(seq: number, chunk: Uint8Array, meta: Uint8Array, kind = 1): Uint8Array {
  return encodeFrame({
    ...EXAMPLES.data,
    ...{ seq, stream: 0, first: true, last: true, free: false, kind, meta, correlation: 0 },
    ...{ chunk: chunk.subarray(0, 200_000), totalBytes: Math.min(chunk.length, 200_000) },
  });
}

export function patternMeta(pattern: string): Uint8Array {
  const text = Buffer.from(pattern);
  return Uint8Array.from([text.length >> 8, text.length & 255, ...text]);
}

function flip(pieces: readonly Uint8Array[], places: readonly number[]): Uint8Array[] {
  const flipped = pieces.map((piece) => Uint8Array.from(piece));
  for (const place of places) {
    // Every frame has the same chance, however long it is: the first ones decide about the others.
    const piece = flipped[place % flipped.length]!;
    const bit = Math.floor(place / flipped.length) % (piece.length * 8);
    piece[bit >> 3]! ^= 1 << (bit & 7);
  }
  return flipped;
}

/** 0: as it was · 1: two frames change places · 2: frames come twice · 3: frames are missing · 4: another session's follow · 5: an acceptor's frames. */
function rearranged(one: Recording, other: Recording, how: number, numbers: readonly number[]): Uint8Array[] {
  const pieces = [...one.toAcceptor];
  const place = (n: number): number => (numbers[n] ?? 0) % Math.max(1, pieces.length);
  switch (how) {
    case 1:
      for (let n = 0; n + 1 < numbers.length; n += 2) {
        const [from, to] = [place(n), place(n + 1)];
        [pieces[from], pieces[to]] = [pieces[to]!, pieces[from]!];
      }
      return pieces;
    case 2:
      for (let n = 0; n < numbers.length; n++) pieces.splice(place(n), 0, pieces[place(n)]!);
      return pieces;
    case 3:
      // The hello stays, or nothing would be heard of the rest.
      return pieces.filter((_, n) => n === 0 || numbers.every((number) => number % pieces.length !== n));
    case 4:
      return [...pieces.slice(0, 2 + place(0)), ...other.toAcceptor];
    case 5:
      return [...pieces.slice(0, 2), ...other.toDialler];
    default:
      return pieces;
  }
}

function sliced(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

function zip<A, B>(one: readonly A[], other: readonly B[]): [A, B][] {
  return one.map((value, n) => [value, other[n % other.length]!]);
}
