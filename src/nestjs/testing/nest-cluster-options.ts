import type { ClusterOptions } from '../../cluster/options.js';
import type { Latency } from '../../simulation/network/latency.js';
import type { TestingModuleBuilderLike } from './test-application.js';

/**
 * What a test may say over an application's own options, for each node. `tracing` is false unless the test says `true`
 * here: a node then waits for its tracer in real time, whatever the virtual one is meanwhile.
 *
 * @publicApi
 */
export type NestNodeOptions = Pick<
  ClusterOptions,
  'metadata' | 'preset' | 'swim' | 'limits' | 'serializer' | 'requestTimeoutMs' | 'drainTimeoutMs' | 'tracing'
>;

/** Options of {@link NestCluster.start}. @publicApi */
export interface NestClusterOptions {
  /** How many nodes (they are called `a`, `b` …), or their names. */
  readonly nodes: number | readonly string[];
  /**
   * Makes a node's application: called once for each node, and again when it is restarted. What it gives is compiled and
   * initialised, and its cluster node is put into virtual time.
   *
   * ```ts
   * module: () => Test.createTestingModule({ imports: [AppModule] })
   * ```
   */
  readonly module: (name: string) => TestingModuleBuilderLike | Promise<TestingModuleBuilderLike>;
  /** Everything random follows from it: the same seed gives the same run. Default: 1. */
  readonly seed?: number | undefined;
  /** Which registration's nodes form the cluster, by its `as`. Nodes of others stay alone. Default: the unnamed one. */
  readonly as?: string | undefined;
  /** What differs from the application's own options, for each node; `metadata`, for example. */
  readonly options?: ((name: string) => NestNodeOptions) | undefined;
  /** How long a message takes, one way. Default: 0.5 ms. */
  readonly latency?: Latency | undefined;
  /** All at once, or each when those before it see each other. Default: `together`. */
  readonly start?: 'together' | 'one-by-one' | undefined;
  /** Real milliseconds that a handler may take for what virtual time does not bring. Default: 5,000. */
  readonly patienceMs?: number | undefined;
  /**
   * Gets every line of every node's cluster module as it is written, with its virtual time: one story of all nodes.
   * `onLog: console.log` shows why a test fails.
   */
  readonly onLog?: ((name: string, line: string) => void) | undefined;
}

/** Options of {@link NestCluster.until} and {@link NestCluster.run}. @publicApi */
export interface WithinOptions {
  /** Virtual milliseconds. Default: 60,000. */
  readonly withinMs?: number | undefined;
}
