import type { HandlerError } from '../../errors.js';
import type { NodeCluster } from '../../simulation/nodes/node-cluster.js';
import { SimulationError } from '../../simulation/simulation-error.js';
import { checkBuilder, checkNodeOptions, sameBuilder } from './check-options.js';
import type { NestClusterOptions, NestNodeOptions } from './nest-cluster-options.js';
import { nodeNames } from '../../simulation/scenarios/scenario.js';
import { FINISH_MS, QUICK_MS, passTime } from './passing-time.js';
import { TestApplication } from './test-application.js';
import type { TestingModuleBuilderLike } from './test-application.js';
import type { RunningHandler } from './observed-node.js';

/** Log lines of each node in the message of a wait that was in vain. */
const LINES_TOLD = 50;
/** Handlers that an error names. */
const MAX_NAMED = 8;

/** The Nest applications of a test cluster: the latest process of each name. */
export class Applications {
  readonly names: readonly string[];
  readonly #latest = new Map<string, TestApplication>();
  readonly #errors = new Map<string, HandlerError[]>();
  /** Handlers that an error has named: they are not waited for again. */
  readonly #givenUp = new WeakSet<RunningHandler>();
  readonly #builders = new WeakSet<TestingModuleBuilderLike>();

  constructor(
    private readonly nodes: NodeCluster,
    private readonly options: NestClusterOptions,
    private readonly patienceMs: number,
  ) {
    this.names = typeof options.nodes === 'number' ? nodeNames(options.nodes) : [...options.nodes];
    for (const name of this.names) this.#errors.set(name, []);
  }

  /** @throws SimulationError for a name that no node has */
  of(name: string): TestApplication {
    const application = this.#latest.get(name);
    if (application !== undefined) return application;
    throw new SimulationError(`No node is called ${name}; there are ${this.names.join(', ')}`);
  }

  /** Those whose process has neither crashed nor ended. */
  get alive(): readonly TestApplication[] {
    return [...this.#latest.values()].filter(({ isRunning }) => isRunning);
  }

  /** What a name's handlers have thrown. */
  errorsOf(name: string): readonly HandlerError[] {
    this.of(name);
    return this.#errors.get(name)!;
  }

  // --- what they do now ---

  /** Handlers that were started and have not settled. */
  get running(): readonly RunningHandler[] {
    return [...this.#latest.values()].flatMap(({ activity }) => activity.running);
  }

  /** Whether a node has a call under way, which virtual time brings to an end. */
  get nodesCall(): boolean {
    return [...this.#latest.values()].some(({ activity }) => activity.calls);
  }

  /** Handlers of processes in which none waits for virtual time: so these cannot wait for that one either. */
  get waitingForReality(): readonly RunningHandler[] {
    return [...this.#latest.values()]
      .filter(({ activity }) => !activity.handlersCall)
      .flatMap(({ activity }) => activity.running)
      .filter((handler) => !this.#givenUp.has(handler));
  }

  /** Whether all nodes that run and have begun to join see each other alive, and nobody else. */
  get areSettled(): boolean {
    const joined = this.alive
      .map(({ node }) => node!)
      .filter(({ status }) => status === 'joining' || status === 'ready' || status === 'draining');
    return joined.every(
      ({ status, activeMembers }) =>
        status !== 'joining' &&
        activeMembers.length === joined.length &&
        joined.every(({ local }) =>
          activeMembers.some(({ id, state }) => id === local.id && state === 'alive'),
        ),
    );
  }

  // --- their life ---

  /** Makes a name's application, and no node has started yet. */
  async compile(name: string): Promise<TestApplication> {
    const { as } = this.options;
    const application = new TestApplication({
      name,
      as,
      nodes: this.nodes,
      options: this.#optionsOf(name),
      failed: (error) => this.#errors.get(name)!.push(error),
    });
    await application.compile(await this.#builderOf(name));
    this.#latest.set(name, application);
    return application;
  }

  /** Starts applications at once; fails with the first failure. */
  async init(applications: readonly TestApplication[], isClosing: () => boolean): Promise<void> {
    await this.#each('started', applications, isClosing, (application) => application.init());
    const crashed = applications.find(({ isOver }) => isOver);
    if (crashed !== undefined) throw new SimulationError(`${crashed.name} crashed while it started`);
  }

  /** Closes applications at once; what cannot be closed is crashed. */
  async end(applications: readonly TestApplication[]): Promise<void> {
    const untilDone = (): boolean => false;
    try {
      await this.#each('ended', applications, untilDone, (application) => application.close());
    } finally {
      for (const application of applications) {
        this.nodes.crash(application.name);
        application.end();
      }
    }
  }

  /** The error for handlers which wait for what does not come; they are not waited for again. */
  stillRunning(handlers: readonly RunningHandler[]): SimulationError {
    for (const handler of handlers) this.#givenUp.add(handler);
    const first = handlers.slice(0, MAX_NAMED).map(({ node, handler }) => `${handler} on node ${node}`);
    const more = handlers.length > MAX_NAMED ? ` and ${handlers.length - MAX_NAMED} more` : '';
    const [are, wait] = handlers.length === 1 ? ['is', 'it waits'] : ['are', 'they wait'];
    return new SimulationError(
      `${first.join(', ')}${more} ${are} still running after ${this.patienceMs / 1000} s: virtual time does not bring what ${wait} for. A real timer, a socket or a file has to be replaced in a test; or nobody resolves a promise`,
    );
  }

  /** The error of a wait, with everything that is known. */
  inVain(complaint: string): SimulationError {
    const logs = this.names.map((name) => {
      const lines = this.#latest.has(name) ? this.nodes.log(name).slice(-LINES_TOLD) : [];
      return [`${name}:`, ...lines].join('\n  ');
    });
    const running = this.running.map(({ node, handler }) => `\nStill running: ${handler} on node ${node}`);
    return new SimulationError(
      `${complaint} (seed ${this.options.seed ?? 1})${running.join('')}\n${logs.join('\n')}`,
    );
  }

  #optionsOf(name: string): NestNodeOptions {
    const options = this.options.options?.(name) ?? {};
    checkNodeOptions(name, options);
    return options;
  }

  async #builderOf(name: string): Promise<TestingModuleBuilderLike> {
    const builder: unknown = await this.options.module(name);
    checkBuilder(name, builder);
    if (this.#builders.has(builder)) throw sameBuilder(name);
    this.#builders.add(builder);
    return builder;
  }

  /** Waits until something is done with each, or it has crashed. */
  async #each(
    what: string,
    applications: readonly TestApplication[],
    isClosing: () => boolean,
    act: (application: TestApplication) => Promise<void>,
  ): Promise<void> {
    const failures: unknown[] = [];
    const pending = new Set(applications);
    for (const application of applications) {
      const done = (): void => void pending.delete(application);
      act(application).then(done, (error: unknown) => {
        failures.push(error);
        done();
      });
    }
    const isDone = (): boolean => isClosing() || [...pending].every(({ isOver }) => isOver);
    // A boot or an end may well wait for something real, a database for example: then virtual time waits, too.
    const isHopeless = this.running.some((handler) => this.#givenUp.has(handler));
    const holdMs = isHopeless ? QUICK_MS : this.patienceMs;
    const patience = { holdMs, virtualMs: FINISH_MS, realMs: 2 * this.patienceMs };
    const inTime = await passTime(this.nodes.clock, isDone, () => this.nodesCall, patience);
    if (failures.length > 0) throw failures[0];
    if (inTime) return;
    const names = [...pending].map(({ name }) => name).join(', ');
    throw this.inVain(
      `After ${FINISH_MS} ms, and ${patience.realMs} ms of real time, ${names} has not ${what}`,
    );
  }
}
