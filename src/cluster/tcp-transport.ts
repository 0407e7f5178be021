import { createTcpTransport } from '../transport/tcp/tcp-transport.js';
import type { Transport } from '../transport/transport.js';
import type { TransportContext } from './options.js';

/**
 * The transport that a node has by default, for those who put something around it: `transport: (context) =>
 * watched(tcpTransport(context))`.
 *
 * A dial may take as long as a probe waits; a stuck payload link is given up after two probe timeouts (decisions 5).
 *
 * @publicApi
 */
export function tcpTransport(context: TransportContext): Transport {
  const dialMs = Math.max(1000, context.probeTimeoutMs);
  const { connections, unauthenticatedConnections } = context.limits;
  const { security } = context;
  return createTcpTransport({
    ...context,
    deadlines: { connectMs: dialMs, handshakeMs: dialMs, ackTimeoutMs: 2 * context.probeTimeoutMs },
    tcp: { security, handshakeMs: dialMs, limits: { connections, unauthenticatedConnections } },
  });
}
