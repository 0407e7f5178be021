import { systemClock } from '../../src/cluster/system-clock.js';
import type { NodeId } from '../../src/node-id.js';
import { SessionTransport } from '../../src/transport/session-transport.js';
import { TcpLinks } from '../../src/transport/tcp/tcp-links.js';
import type { TransportFixture } from './transport-network.js';

const PATIENCE_MS = 10_000;

/** Real sockets, real time. */
export function tcpFixture(host: string): TransportFixture {
  const links = new Map<NodeId, TcpLinks>();
  const clock = systemClock();
  return {
    create: (settings) => {
      const own = new TcpLinks({ clock });
      links.set(settings.id, own);
      return new SessionTransport(own, { ...settings, clock, random: Math.random });
    },
    endpoint: (port = 0) => ({ host, port }),
    breakLinks: (id) => {
      for (const link of [...links.get(id)!.links]) link.destroy();
    },
    kill: (id) => links.get(id)!.close(),
    until: async (condition) => {
      const giveUpAtMs = clock.now() + PATIENCE_MS;
      while (!condition()) {
        if (clock.now() > giveUpAtMs) throw new Error('The condition did not come to hold');
        await new Promise<void>((resolve) => clock.setTimer(1, resolve));
      }
    },
    close: async () => {
      await Promise.all([...links.values()].map((own) => own.close()));
    },
  };
}
