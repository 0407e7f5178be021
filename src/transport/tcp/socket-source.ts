import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Where sockets come from. Everything above sees a `net.Socket` that carries frames; what secures it (issue 5) is
 * decided here, by another implementation: `tls.TLSSocket` is a `net.Socket` whose ready event is another.
 */
export interface SocketSource {
  /** Begins to connect to an IP literal. */
  connect(ip: string, port: number, settings: SocketSettings): Socket;
  /** The event that says that frames may flow on a dialled socket. */
  readonly readyEvent: 'connect' | 'secureConnect';
  /** A server that is not yet listening; gives sockets on which frames may flow. */
  createServer(settings: SocketSettings, onSocket: (socket: Socket) => void): Server;
}

export interface SocketSettings {
  readonly keepAliveMs: number;
}

/** Sockets without security. */
export const plainSockets: SocketSource = {
  readyEvent: 'connect',

  connect(ip, port, settings) {
    // One literal, one attempt: what it answers is evidence about this address and no other.
    return connect({ host: ip, port, autoSelectFamily: false, ...common(settings) });
  },

  createServer(settings, onSocket) {
    return createServer({ ...common(settings), allowHalfOpen: false }, onSocket);
  },
};

function common(settings: SocketSettings) {
  return { noDelay: true, keepAlive: true, keepAliveInitialDelay: settings.keepAliveMs };
}
