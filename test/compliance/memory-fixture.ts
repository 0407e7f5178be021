import { Random } from '../../src/simulation/random.js';
import { VirtualClock } from '../../src/simulation/clock/virtual-clock.js';
import { createMemoryTransport } from '../../src/transport/memory/memory-transport.js';
import { MemoryNetwork } from '../../src/transport/memory/memory-network.js';
import type { NodeId } from '../../src/node-id.js';
import type { TransportFixture } from './transport-network.js';

const PATIENCE_MS = 10_000;

/** Links in memory, virtual time. */
export function memoryFixture(options: { readonly wire: boolean }): TransportFixture {
  const clock = new VirtualClock();
  const random = new Random(7);
  const network = new MemoryNetwork({ clock, random: () => random.next(), delay: { minMs: 0.1, maxMs: 2 } });
  const ids: NodeId[] = [];
  return {
    create: (settings) => {
      ids.push(settings.id);
      return createMemoryTransport(network, { ...settings, ...options, clock, random: () => random.next() });
    },
    endpoint: (port = 0) => ({ host: 'memory', port }),
    breakLinks: (id) => {
      for (const other of ids) network.breakLinks(id, other);
    },
    kill: async (id) => network.crash(id),
    until: async (condition) => {
      // Every look lets a little time pass, so that a condition that only counts looks ends, too.
      const giveUpAtMs = clock.now() + PATIENCE_MS;
      while (!condition()) {
        if (clock.now() > giveUpAtMs) throw new Error('The condition did not come to hold');
        await clock.advance(1);
      }
    },
    close: async () => undefined,
  };
}
