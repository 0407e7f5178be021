import type { Transport } from '../transport.js';
import { SessionTransport, type SessionTransportOptions } from '../session-transport.js';
import { TcpLinks } from './tcp-links.js';
import type { TcpOptions } from './tcp-options.js';

/** Options of {@link createTcpTransport}. */
export interface TcpTransportOptions extends SessionTransportOptions {
  /** What concerns sockets only. */
  readonly tcp?: Omit<TcpOptions, 'clock' | 'logger'> | undefined;
}

/** The transport for real clusters: sessions over TCP connections. */
export function createTcpTransport(options: TcpTransportOptions): Transport {
  const links = new TcpLinks({ ...options.tcp, clock: options.clock, logger: options.logger });
  return new SessionTransport(links, options);
}
