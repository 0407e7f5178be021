import { ServiceBroker, type BrokerOptions } from 'moleculer';
import { closedLoop } from '../closed-loop.js';
import { payloadOf, valueOf, type Contender } from '../contender.js';
import { freePort } from './listening.js';

interface Where {
  readonly server: string;
  readonly client: string;
}

/** Moleculer over its TCP transporter. One way is a call with a short answer. */
export const moleculer: Contender = {
  async serve(): Promise<Where> {
    const where = {
      server: `127.0.0.1:${await freePort()}/server`,
      client: `127.0.0.1:${await freePort()}/client`,
    };
    const broker = new ServiceBroker(optionsFor('server', where));
    broker.createService({
      name: 'orders',
      actions: { take: () => true, echo: ({ params }) => (params as { data: unknown }).data },
    });
    await broker.start();
    return where;
  },

  async connect(where: Where) {
    const broker = new ServiceBroker(optionsFor('client', where));
    await broker.start();
    await broker.waitForServices('orders', 60_000);
    return (load) => {
      const isValue = load.operation === 'emit' || load.operation === 'ask';
      const action = load.operation === 'send' || load.operation === 'emit' ? 'orders.take' : 'orders.echo';
      const data = isValue ? valueOf(load.bytes) : payloadOf(load.bytes).toString('latin1');
      return closedLoop(load, () => broker.call(action, { data }));
    };
  },
};

function optionsFor(nodeID: 'server' | 'client', where: Where): BrokerOptions {
  const port = Number(where[nodeID].split(/[:/]/)[1]);
  return {
    nodeID,
    logger: false,
    transporter: {
      type: 'TCP',
      options: {
        udpDiscovery: false,
        maxPacketSize: 2 ** 27,
        port,
        urls: [`tcp://${where.server}`, `tcp://${where.client}`],
      },
    },
  };
}
