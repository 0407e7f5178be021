import { SessionTransport, type SessionTransportOptions } from '../session-transport.js';
import type { MemoryLinksOptions } from './memory-links.js';
import type { MemoryNetwork } from './memory-network.js';

/** Options of {@link createMemoryTransport}. */
export interface MemoryTransportOptions extends SessionTransportOptions, MemoryLinksOptions {
  /** The process's name in the network, which faults refer to. Default: its NodeId. */
  readonly name?: string | undefined;
}

/** A transport in memory, for tests and simulation. */
export function createMemoryTransport(
  network: MemoryNetwork,
  options: MemoryTransportOptions,
): SessionTransport {
  const { wire, loop } = options;
  return new SessionTransport(network.links(options.name ?? options.id, { wire, loop }), options);
}
