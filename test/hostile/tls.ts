import fc from 'fast-check';
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { randomBytes } from 'node:crypto';
import { Keyring } from '../../src/transport/tcp/tls/keyring.js';
import type { Secret } from '../../src/transport/tcp/tls/secrets.js';
import { SharedSecret } from '../../src/transport/tcp/tls/shared-secret.js';
import { TlsSecurity, type TlsScheme } from '../../src/transport/tcp/tls/tls-security.js';
import { dialPlain, type Dial } from './attacker.js';
import type { Attack } from './outsiders.js';
import { HOST, type Play } from './play.js';

/** What the client of a TLS handshake wrote, one piece for each record. */
export type TlsRecording = readonly Uint8Array[];

type Bare = Omit<Play, 'attack'>;

const CASES = 150;
const RECORD_HEAD_BYTES = 5;
/** How long a recorded client may take; it runs against a server beside it. */
const RECORD_MS = 5000;

/** Connections of somebody who has the secret, and nothing else of a member. */
export async function dialWith(secret: Secret): Promise<Dial> {
  const scheme = await schemeOf(secret);
  return async (to, from) => {
    const connection = (await dialPlain(to, from)) as Socket;
    const socket = scheme.connect(connection);
    await secured(socket);
    // TLS itself has no way to reset what is below it.
    return Object.assign(socket, { resetAndDestroy: () => (connection.resetAndDestroy(), socket) });
  };
}

/**
 * Records what clients of all kinds write to a node: one that is let in, one with another secret, one that knows TLS
 * only, in both versions. Random numbers are in there, so the corpus differs from run to run.
 */
export async function recordHandshakes(scheme: TlsScheme): Promise<readonly TlsRecording[]> {
  const node = new TlsSecurity(scheme);
  const accepted = createServer((socket) => {
    socket.on('error', () => undefined);
    node.accepted(socket, 'recording', {
      secured: ({ socket: channel }) => void channel.on('error', () => undefined).resume(),
      failed: () => socket.destroy(),
    });
  });
  const port = await listening(accepted);
  const wrong = await schemeOf(randomBytes(32));
  const clients: ((socket: Socket) => TLSSocket)[] = [
    (socket) => scheme.connect(socket),
    (socket) => wrong.connect(socket),
    (socket) => connectTls({ socket, rejectUnauthorized: false }),
    (socket) => connectTls({ socket, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }),
  ];
  const recordings: TlsRecording[] = [];
  for (const client of clients) recordings.push(await recorded(port, client));
  await new Promise((resolve) => accepted.close(resolve));
  return recordings;
}

/** Everything that somebody can do to a node behind TLS who has no part in its security. */
export function againstTls(recordings: readonly TlsRecording[]): readonly Attack[] {
  const recording = fc.constantFrom(...recordings);
  const whole = recordings.map((records) => Buffer.concat(records));
  const cuts = whole.flatMap((bytes) =>
    Array.from({ length: bytes.length - 1 }, (_, i) => bytes.subarray(0, i + 1)),
  );
  const record = fc
    .tuple(
      fc.constantFrom(0x14, 0x15, 0x16, 0x17, 0x18),
      fc.constantFrom(0x0300, 0x0301, 0x0303, 0x0304, 0xffff),
      fc.constantFrom(0, 1, 2, 16_384, 16_385, 18_432, 65_535),
      fc.uint8Array({ maxLength: 600 }),
    )
    .map(([type, version, length, body]) => Buffer.concat([recordHead(type, version, length), body]));

  return [
    {
      name: 'TLS records of nonsense',
      plays: (round) =>
        round
          .draw(fc.array(record, { minLength: 1, maxLength: 4 }), CASES)
          .map((pieces): Bare => ({ pieces })),
    },
    {
      name: 'a TLS handshake, then nonsense',
      plays: (round) =>
        round
          .draw(
            fc.tuple(recording, fc.nat({ max: 3 }), fc.array(record, { minLength: 1, maxLength: 3 })),
            CASES,
          )
          .map(([records, count, rest]): Bare => ({ pieces: [...records.slice(0, count + 1), ...rest] })),
    },
    {
      name: 'a TLS handshake cut off',
      plays: (round) => round.slice(cuts, CASES).map((piece): Bare => ({ pieces: [piece] })),
    },
    {
      name: 'bit flips in a TLS handshake',
      plays: (round) =>
        round
          .draw(
            fc.tuple(fc.constantFrom(...whole), fc.array(fc.nat(), { minLength: 1, maxLength: 4 })),
            CASES,
          )
          .map(([bytes, places]): Bare => ({ pieces: [flipped(bytes, places)] })),
    },
    {
      name: 'a TLS handshake replayed, re-ordered or mixed',
      plays: (round) =>
        round
          .draw(fc.tuple(recording, recording, fc.array(fc.nat(), { minLength: 6, maxLength: 6 })), CASES)
          .map(([one, other, numbers]): Bare => {
            const all = [...one, ...other];
            return { pieces: numbers.map((number) => all[number % all.length]!) };
          }),
    },
    {
      name: 'slow TLS handshakes',
      isSlow: true,
      atOnce: 32,
      plays: (round) =>
        round
          .draw(fc.tuple(fc.constantFrom(...whole), fc.integer({ min: 1, max: 9 })), 32)
          .map(([bytes, size]): Bare => ({
            pieces: Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
              bytes.subarray(i * size, (i + 1) * size),
            ),
            paceMs: 40,
            ends: 'wait',
          })),
    },
  ];
}

/** A shared secret as one side of a handshake. */
export async function schemeOf(secret: Secret): Promise<SharedSecret> {
  const keys = new Keyring('hostile');
  await keys.replace([secret]);
  return new SharedSecret(keys);
}

function secured(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

/** One client's side, as it goes over a wire. */
async function recorded(port: number, client: (socket: Socket) => TLSSocket): Promise<TlsRecording> {
  const pieces: Buffer[] = [];
  const wire = createServer((near) => {
    const far = connectTcp(port, HOST);
    near.on('data', (piece: Buffer) => void pieces.push(piece));
    near.pipe(far).pipe(near);
    for (const end of [near, far])
      end.on('error', () => undefined).on('close', () => (near.destroy(), far.destroy()));
  });
  const socket = connectTcp(await listening(wire), HOST);
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.once('connect', () => {
      const tls = client(socket);
      tls.on('error', () => undefined).on('close', () => resolve());
      tls.once('secureConnect', () => tls.end(randomBytes(300)));
      setTimeout(() => tls.destroy(), RECORD_MS).unref();
    });
  });
  await new Promise((resolve) => wire.close(resolve));
  return records(Buffer.concat(pieces));
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as AddressInfo).port;
}

function records(bytes: Buffer): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + RECORD_HEAD_BYTES <= bytes.length;) {
    const end = at + RECORD_HEAD_BYTES + bytes.readUInt16BE(at + 3);
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}

function recordHead(type: number, version: number, length: number): Buffer {
  const head = Buffer.alloc(RECORD_HEAD_BYTES);
  head[0] = type;
  head.writeUInt16BE(version, 1);
  head.writeUInt16BE(length, 3);
  return head;
}

function flipped(bytes: Uint8Array, places: readonly number[]): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (const place of places) changed[(place >> 3) % changed.length]! ^= 1 << (place & 7);
  return changed;
}
