import type { Socket } from 'node:net';
import type { HandshakeError, ProtocolViolationError } from '../../errors.js';
import type { LinkCredentials } from '../link.js';
import type { Frame } from '../session/frame.js';

/** A connection on which frames may flow. */
export interface SecureChannel {
  /** What is read and written: the connection itself, or what encrypts it. */
  readonly socket: Socket;
  readonly credentials: LinkCredentials | undefined;
}

/** Why no frame may flow on a connection. */
export interface SecurityFailure {
  readonly error: HandshakeError | ProtocolViolationError;
  /** What the other side may be told before the connection is closed, so that its log says why, too. */
  readonly farewell?: { readonly channel: Socket; readonly frame: Frame } | undefined;
}

/** Exactly one is called, and once, unless the connection ends by itself first. */
export interface SecurityOutcome {
  secured(channel: SecureChannel): void;
  failed(failure: SecurityFailure): void;
}

/**
 * What stands between a TCP connection and its frames: nothing, or TLS. Opaque to users: it is passed on to `tcpTransport`.
 *
 * @publicApi
 */
export interface SocketSecurity {
  /**
   * A connection that this side has made; deadlines are the caller's.
   *
   * @param remote who is at the other end, for errors
   * @internal
   */
  dialled(socket: Socket, remote: string, outcome: SecurityOutcome): void;
  /** A connection that came in. @internal */
  accepted(socket: Socket, remote: string, outcome: SecurityOutcome): void;
}

/** Frames flow as they are: whoever reaches the port may speak. */
export const plaintext: SocketSecurity = {
  dialled: (socket, _, outcome) => outcome.secured({ socket, credentials: undefined }),
  accepted: (socket, _, outcome) => outcome.secured({ socket, credentials: undefined }),
};
