import type { INestApplicationContext } from '@nestjs/common';
import { HandlerError } from '../../errors.js';
import type { ClusterOptions } from '../../cluster/options.js';
import type { ClusterLogger } from '../../logger.js';
import type { NodeCluster } from '../../simulation/nodes/node-cluster.js';
import { Random } from '../../simulation/random.js';
import { SimulationError } from '../../simulation/simulation-error.js';
import { ClusterLifecycle } from '../cluster-lifecycle.js';
import { CLUSTER_NODE_FACTORY, type ClusterNodeFactory, type NodeFace } from '../node-face.js';
import { isolated } from './isolated.js';
import { Activity, ObservedNode } from './observed-node.js';

/**
 * What `Test.createTestingModule(…)` of `@nestjs/testing` gives, as far as a cluster needs it: that of Nest 11 and 12.
 *
 * @publicApi
 */
export interface TestingModuleBuilderLike {
  /** As there; asked for the options of the cluster. */
  overrideProvider(token: string): { useValue(value: unknown): unknown };
  /** As there. */
  compile(): Promise<INestApplicationContext>;
}

/** What an application runs in. */
export interface Surroundings {
  readonly name: string;
  /** The registration whose node joins the others. */
  readonly as: string | undefined;
  readonly nodes: NodeCluster;
  /** What the test says over the application's own options. */
  readonly options: ClusterOptions;
  failed(error: HandlerError): void;
}

/** What of an application's own options holds in a test, too: the rest is about a real network and real time. */
const kept = [
  'clusterName',
  'preset',
  'swim',
  'metadata',
  'serializer',
  'limits',
  'requestTimeoutMs',
  'drainTimeoutMs',
] as const satisfies readonly (keyof ClusterOptions)[];

/** One process of a node in a test: a whole Nest application, and what it does at this moment. */
export class TestApplication {
  readonly activity: Activity;
  readonly #around: Surroundings;
  #app: INestApplicationContext | undefined;
  #node: NodeFace | undefined;
  #state: 'made' | 'started' | 'ended' = 'made';
  #closing: Promise<void> | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.activity = new Activity(around.name, (error) => around.failed(error));
  }

  get name(): string {
    return this.#around.name;
  }

  /** @throws SimulationError before it is compiled */
  get app(): INestApplicationContext {
    if (this.#app === undefined) throw new SimulationError(`${this.#around.name} has no application yet`);
    return this.#app;
  }

  /** Whether its process has neither crashed nor ended. */
  get isRunning(): boolean {
    return this.#state === 'started';
  }

  /** Whether it died: then nothing of it settles any more. */
  get isOver(): boolean {
    return this.#state === 'ended';
  }

  /** Its part in the cluster; undefined before it is compiled. */
  get node(): NodeFace | undefined {
    return this.#node;
  }

  /** Makes the application's providers; its node lives in virtual time. */
  async compile(builder: TestingModuleBuilderLike): Promise<void> {
    const { name, as } = this.#around;
    const factory: ClusterNodeFactory = (options, registration) =>
      registration === as ? this.#join(options) : this.#stayAlone(options);
    builder.overrideProvider(CLUSTER_NODE_FACTORY).useValue(factory);
    this.#app = await builder.compile();
    if (this.#node !== undefined) return;
    const which = as === undefined ? 'without "as"' : `with as: '${as}'`;
    throw new SimulationError(
      `The module of node ${name} has no ClusterModule.forRoot() or forRootAsync() ${which}, or a test double in the place of its MembershipService`,
    );
  }

  /** Binds, boots and joins. What fails is ended: Nest runs no hooks then. */
  async init(): Promise<void> {
    this.#state = 'started';
    try {
      await this.app.init();
      // In a test nobody stops processes by signals.
      for (const lifecycle of this.app.get(ClusterLifecycle, { strict: false, each: true }))
        lifecycle.forgetReminder();
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  /** Leaves gracefully. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.app.close().finally(() => this.end());
    return this.#closing;
  }

  /** Nothing of it runs any more, whatever it waited for. */
  end(): void {
    this.#state = 'ended';
    this.activity.end();
  }

  #fail(): void {
    if (this.#state === 'ended') return;
    this.#around.nodes.crash(this.#around.name);
    this.end();
  }

  #join(own: ClusterOptions): NodeFace {
    const { name, nodes, options } = this.#around;
    const given = nodes.options(name, { ...pick(own), ...options });
    const node = new ObservedNode({ ...given, logger: both(given.logger, own.logger) }, this.activity);
    nodes.adopt(name, node);
    this.#node = node;
    return node;
  }

  /** Another registration of the application: its node keeps virtual time and meets nobody. */
  #stayAlone(own: ClusterOptions): NodeFace {
    const { name, nodes } = this.#around;
    const seeded = new Random(1);
    const alone = isolated({
      ...pick(own),
      nodeName: name,
      logger: own.logger,
      clock: nodes.clock,
      random: () => seeded.next(),
    });
    return new ObservedNode(alone, this.activity);
  }
}

function pick(options: ClusterOptions): ClusterOptions {
  const entries = kept.map((name) => [name, options[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as ClusterOptions;
}

function both(first: ClusterLogger | undefined, second: ClusterLogger | undefined): ClusterLogger {
  const loggers = [first, second].filter((logger) => logger !== undefined);
  return {
    debug: (line) => loggers.forEach((logger) => logger.debug(line)),
    log: (line) => loggers.forEach((logger) => logger.log(line)),
    warn: (line) => loggers.forEach((logger) => logger.warn(line)),
    error: (line, cause) => loggers.forEach((logger) => logger.error(line, cause)),
  };
}
