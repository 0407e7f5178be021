import type { ClusterOptions } from '../../cluster/options.js';
import { show } from '../../cluster/option-errors.js';
import { resolveOptions } from '../../cluster/validate-options.js';
import { seeds } from '../../discovery/static.js';
import { InvalidOptionError } from '../../errors.js';
import { MemoryNetwork } from '../../transport/memory/memory-network.js';
import { createMemoryTransport } from '../../transport/memory/memory-transport.js';

/** Options of {@link isolated}: everything but where the node would listen and whom it would look for. @publicApi */
export type IsolatedOptions = Omit<
  ClusterOptions,
  'host' | 'port' | 'advertise' | 'discovery' | 'security' | 'transport' | 'enabled'
>;

/** Where a node listens, and whom it looks for. A record, since the compiler then misses none. */
const ofNetwork = Object.keys({
  host: true,
  port: true,
  advertise: true,
  discovery: true,
  security: true,
  transport: true,
  enabled: true,
} satisfies Record<Exclude<keyof ClusterOptions, keyof IsolatedOptions>, true>);

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
 * @throws InvalidOptionError for a wrong option, and for one about the network
 * @publicApi
 */
export function isolated(options: IsolatedOptions = {}): ClusterOptions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', `is ${show(options)}, but must be an object`);
  const [refused] = Object.entries(options).find(
    ([name, value]) => value !== undefined && ofNetwork.includes(name),
  ) ?? [undefined];
  if (refused !== undefined)
    throw new InvalidOptionError(refused, 'is not for an isolated node, which has no network: leave it out');
  const isolatedOptions: ClusterOptions = {
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
  // Here a mistake has the test's own line in its stack.
  resolveOptions(isolatedOptions);
  return isolatedOptions;
}
