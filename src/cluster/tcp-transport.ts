import { createTcpTransport } from '../transport/tcp/tcp-transport.js';
import type { Transport } from '../transport/transport.js';
import { limitsOfTransport } from './limits.js';
import type { TransportContext } from './options.js';

/**
 * The transport that a node has by default, for those who put something around it: `transport: (context) =>
 * watched(tcpTransport(context))`.
 *
 * @publicApi
 */
export function tcpTransport(context: TransportContext): Transport {
  const { security, limits, probeTimeoutMs } = context;
  const bounds = limitsOfTransport(limits, probeTimeoutMs);
  const tcp = { ...bounds.tcp, security, handshakeMs: bounds.deadlines.handshakeMs };
  return createTcpTransport({ ...context, ...bounds, tcp });
}
