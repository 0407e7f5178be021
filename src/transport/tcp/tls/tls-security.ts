import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { clip, HandshakeError, ProtocolViolationError } from '../../../errors.js';
import type { LinkCredentials } from '../../link.js';
import { frameType } from '../../session/codec.js';
import type { Frame } from '../../session/frame.js';
import { plaintext, type SecurityOutcome, type SocketSecurity } from '../socket-security.js';

/** How a handshake proves who may speak: by a shared key, or by certificates. */
export interface TlsScheme {
  /** Begins a handshake on a connection that this side has made. */
  connect(socket: Socket): TLSSocket;
  /** A server that never listens: accepted connections are given to it. */
  createServer(): Server;
  /** Changes when `createServer` would make another server than before. */
  readonly revision: number;
  /**
   * Looks at a handshake that has succeeded. Says what it proves, or what is wrong with it, in words for this side's log
   * and in words that the other side may hear.
   */
  examine(socket: TLSSocket): LinkCredentials | Objection;
  /**
   * Why a handshake failed, in plain words; undefined when the error does not say more than that it broke.
   *
   * @param side which side we are
   */
  explain(error: Error, side: 'dialled' | 'accepted', socket: TLSSocket): string | undefined;
}

/** What is wrong with a handshake that has succeeded. */
export interface Objection {
  readonly objection: string;
  /** What the other side may hear; undefined: nothing. */
  readonly told: string | undefined;
}

/**
 * How a running plaintext cluster becomes a secured one, in three rolling restarts: first every node with
 * `accept-plaintext` (dials plaintext, accepts both), then every node with `dial-secure` (dials TLS, accepts both), then
 * every node without `migrate`. Until the last step is done the cluster is as open as before.
 *
 * @publicApi
 */
export type MigrationStep = 'accept-plaintext' | 'dial-secure';

const NOTHING = (): void => undefined;

/** The first byte of a TLS handshake record. */
const TLS_HANDSHAKE = 0x16;

/**
 * TLS over connections that the caller makes and accepts. The first byte of an accepted connection is looked at before
 * TLS gets it: it tells a plaintext peer, which is let in during a migration and hears why it is not at any other time.
 */
export class TlsSecurity implements SocketSecurity {
  readonly #scheme: TlsScheme;
  readonly #migrate: MigrationStep | undefined;
  #server: Server | undefined;
  #revision = -1;
  /** Accepted connections whose handshake is under way, by the remote side's IP and port. */
  readonly #shakingHands = new Map<string, { readonly remote: string; readonly outcome: SecurityOutcome }>();

  constructor(scheme: TlsScheme, migrate?: MigrationStep) {
    this.#scheme = scheme;
    this.#migrate = migrate;
  }

  dialled(socket: Socket, remote: string, outcome: SecurityOutcome): void {
    if (this.#migrate === 'accept-plaintext') return plaintext.dialled(socket, remote, outcome);
    const tls = this.#scheme.connect(socket);
    let settled = false;
    tls.once('secureConnect', () => {
      settled = true;
      this.#examine(tls, remote, outcome);
    });
    tls.on('error', (error) => {
      if (settled) return;
      settled = true;
      const why = this.#scheme.explain(error, 'dialled', tls) ?? whyBroken(error);
      // What broke without a word may have died: that is for the caller to see.
      if (why !== undefined) outcome.failed({ error: new HandshakeError(remote, 'security', why) });
    });
  }

  accepted(socket: Socket, remote: string, outcome: SecurityOutcome): void {
    firstByte(socket, (byte) => {
      if (byte === TLS_HANDSHAKE) return this.#handshake(socket, remote, outcome);
      try {
        frameType(byte, true);
      } catch (error) {
        if (error instanceof ProtocolViolationError) return outcome.failed({ error });
        throw error;
      }
      if (this.#migrate !== undefined) return plaintext.accepted(socket, remote, outcome);
      const error = new HandshakeError(
        remote,
        'security',
        'it speaks plaintext, this node TLS only: give both the same "security" option',
      );
      outcome.failed({ error, farewell: { channel: socket, frame: farewell('this node speaks TLS only') } });
    });
  }

  #handshake(socket: Socket, remote: string, outcome: SecurityOutcome): void {
    const key = placeOf(socket);
    this.#shakingHands.set(key, { remote, outcome });
    socket.once('close', () => this.#shakingHands.delete(key));
    this.#current().emit('connection', socket);
  }

  /** One server for all connections, until the scheme has changed. */
  #current(): Server {
    const { revision } = this.#scheme;
    if (this.#server !== undefined && this.#revision === revision) return this.#server;
    const server = this.#scheme.createServer();
    server.on('secureConnection', (tls) => {
      const waiting = this.#take(tls);
      if (waiting === undefined) tls.on('error', NOTHING).destroy();
      else this.#examine(tls, waiting.remote, waiting.outcome);
    });
    server.on('tlsClientError', (error, tls) => {
      const waiting = this.#take(tls);
      if (waiting === undefined) return;
      const why = this.#scheme.explain(error, 'accepted', tls) ?? `TLS failed (${clip(codeOf(error))})`;
      waiting.outcome.failed({ error: new HandshakeError(waiting.remote, 'security', why) });
    });
    this.#server = server;
    this.#revision = revision;
    return server;
  }

  #take(socket: Socket): { readonly remote: string; readonly outcome: SecurityOutcome } | undefined {
    const key = placeOf(socket);
    const waiting = this.#shakingHands.get(key);
    this.#shakingHands.delete(key);
    return waiting;
  }

  #examine(socket: TLSSocket, remote: string, outcome: SecurityOutcome): void {
    const proof = socket.isSessionReused()
      ? { objection: 'it resumed an older TLS session, which is not allowed', told: undefined }
      : this.#scheme.examine(socket);
    if (!('objection' in proof)) return outcome.secured({ socket, credentials: proof });
    const error = new HandshakeError(remote, 'security', proof.objection);
    if (proof.told === undefined) outcome.failed({ error });
    else outcome.failed({ error, farewell: { channel: socket, frame: farewell(proof.told) } });
  }
}

function farewell(detail: string): Frame {
  return { type: 'refuse', reason: 'security', detail };
}

/** The remote side of a connection as a key: no two that are open at one listener have the same. */
function placeOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

/** Looks at the first byte that comes, and puts it back. Never calls back for a connection that ends before. */
function firstByte(socket: Socket, seen: (byte: number) => void): void {
  const look = (): void => {
    const piece = socket.read(1) as Buffer | null;
    if (piece === null) return;
    socket.off('readable', look);
    socket.unshift(piece);
    seen(piece[0]!);
  };
  socket.on('readable', look);
}

/** What the codes of a broken handshake say by themselves. */
function whyBroken(error: Error): string | undefined {
  switch (codeOf(error)) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return 'it does not speak TLS: is it a node without the "security" option?';
    case 'ERR_SSL_NO_SHARED_CIPHER':
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return 'it has another kind of security: give both the same "security" option';
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    default:
      return `TLS failed (${clip(codeOf(error))})`;
  }
}

export function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.message;
}
