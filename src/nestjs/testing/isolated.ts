import type { ClusterOptions } from '../../cluster/options.js';
import { seeds } from '../../discovery/static.js';
import { MemoryNetwork } from '../../transport/memory/memory-network.js';
import { createMemoryTransport } from '../../transport/memory/memory-transport.js';

/** Options of {@link isolated}: everything but where the node would listen and whom it would look for. @publicApi */
export type IsolatedOptions = Omit<
  ClusterOptions,
  'host' | 'port' | 'advertise' | 'discovery' | 'security' | 'transport' | 'enabled'
>;

/**
 * Options for a unit test: a whole node that is alone. It opens no socket, looks for nobody and lives by the real clock;
 * what it sends to itself arrives.
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getClusterOptionsToken())
 *   .useValue(isolated());
 * ```
 *
 * That works for `forRoot` and for every form of `forRootAsync`, whose factory then does not run.
 *
 * @param options what the application's own options would say, for example `metadata`
 * @publicApi
 */
export function isolated(options: IsolatedOptions = {}): ClusterOptions {
  return {
    clusterName: 'test',
    ...options,
    // An explicit empty list: elsewhere than in a test runner the default would look around on this machine.
    discovery: seeds(),
    port: 0,
    transport: (context) => {
      const { clock, random } = context;
      // A network of its own: two isolated nodes never meet.
      return createMemoryTransport(new MemoryNetwork({ clock, random }), context);
    },
  };
}
