import type { INestApplicationContext, InjectionToken } from '@nestjs/common';
import type { HandlerError } from '../../errors.js';
import type { Latency } from '../../simulation/network/latency.js';
import { checkCall, isPair } from '../../simulation/nodes/check-call.js';
import { NodeCluster } from '../../simulation/nodes/node-cluster.js';
import { answerOf } from '../../simulation/check-call.js';
import { SimulationError } from '../../simulation/simulation-error.js';
import { MembershipService } from '../membership.service.js';
import { getMembershipToken } from '../tokens.js';
import { Applications } from './applications.js';
import { checkClusterOptions } from './check-options.js';
import type { NestClusterOptions, WithinOptions } from './nest-cluster-options.js';
import { FINISH_MS, QUICK_MS, hasSettled, passTime, type Patience } from './passing-time.js';
import { refuseFakeTicks } from './real-time.js';
import type { TestApplication } from './test-application.js';
import type { RunningHandler } from './observed-node.js';

const PATIENCE_MS = 5000;
const WAIT_MS = 60_000;

/**
 * Several processes of a Nest application in one test, with the real node under each, on a network in memory and in
 * virtual time: nothing happens unless `advance`, `until`, `run` or another awaited method lets time pass.
 *
 * ```ts
 * const cluster = await NestCluster.start({
 *   nodes: 3,
 *   module: () => Test.createTestingModule({ imports: [AppModule] }),
 * });
 * cluster.crash('c');
 * await cluster.advance(seconds(5));
 * expect(cluster.get('a', Alarms).raised).toEqual(['c']);
 * await cluster.close();
 * ```
 *
 * Of the application's own options, those about a real network and real time do not hold (`host`, `port`, `advertise`,
 * `discovery`, `security`, `transport`, `clock`, `random`, `enabled`, `nodeName`); all others do.
 *
 * @publicApi
 */
export class NestCluster implements AsyncDisposable {
  readonly #options: NestClusterOptions;
  readonly #patienceMs: number;
  readonly #nodes: NodeCluster;
  readonly #applications: Applications;
  #passing: { readonly what: string; readonly over: Promise<unknown> } | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: NestClusterOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    const { seed, latency, onLog } = options;
    this.#nodes = new NodeCluster({ seed, latency, onLog });
    this.#applications = new Applications(this.#nodes, options, this.#patienceMs);
  }

  /**
   * Makes the applications, one after another, starts them, and lets time pass until all nodes see each other.
   *
   * @throws InvalidOptionError for a wrong option
   * @throws what an application's start throws; the others are closed then
   */
  static async start(options: NestClusterOptions): Promise<NestCluster> {
    refuseFakeTicks();
    checkClusterOptions(options);
    const cluster = new NestCluster(options);
    try {
      await cluster.#pass('start', () => cluster.#start());
    } catch (error) {
      // That it does not close either must not hide why it did not start.
      await cluster.close().catch(() => undefined);
      throw error;
    }
    return cluster;
  }

  // --- what is there ---

  /** All nodes, in the order of their start. */
  get names(): readonly string[] {
    return this.#applications.names;
  }

  /** Virtual milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nodes.nowMs;
  }

  /** A node's application, the latest; one that has crashed or ended stays readable. */
  app(name: string): INestApplicationContext {
    return this.#applications.of(name).app;
  }

  /** A provider of a node's application. */
  get<T>(name: string, token: InjectionToken<T>): T {
    return this.app(name).get<T>(token, { strict: false });
  }

  /** A node's membership service. To send with it, let time pass: `cluster.run(cluster.membership('a').emit(…))`. */
  membership(name: string): MembershipService {
    return this.get(name, getMembershipToken(this.#options.as));
  }

  /** Whether a node's process has neither crashed nor ended; a paused one runs. */
  isRunning(name: string): boolean {
    return this.#applications.of(name).isRunning;
  }

  /** What a node's cluster module has logged, the newest lines, over all its processes. */
  log(name: string): readonly string[] {
    this.#applications.of(name);
    return this.#nodes.log(name);
  }

  /** What a node's handlers have thrown, over all its processes; `cause` has the error. An answer to a caller is none. */
  errors(name: string): readonly HandlerError[] {
    return this.#applications.errorsOf(name);
  }

  /** Handlers that were started and have not settled, the oldest first. */
  get running(): readonly RunningHandler[] {
    return this.#applications.running;
  }

  // --- time ---

  /**
   * Lets time pass. Resolves when every handler that was started by then has settled, except those that wait for virtual
   * time (an answer, a request's timeout, a member that is cut off, or another handler that does): they go on when more
   * time passes.
   *
   * @throws SimulationError that names the handlers which wait for something else (a real timer, a socket, a promise that
   *   nobody resolves) and have not got it after `patienceMs` of real time
   */
  advance(ms: number): Promise<void> {
    return this.#pass('advance', async () => {
      checkCall('advance', { ms });
      await this.#nodes.clock.advanceUntil(() => this.#isClosing, ms);
      const started = new Set(this.running);
      const late = (): RunningHandler[] =>
        this.#applications.waitingForReality.filter((handler) => started.has(handler));
      const patience = { holdMs: QUICK_MS, virtualMs: FINISH_MS, realMs: this.#patienceMs };
      const isOver = (): boolean => this.#isClosing || late().length === 0;
      if (await passTime(this.#nodes.clock, isOver, () => false, patience)) return;
      throw this.#applications.stillRunning(late());
    });
  }

  /**
   * Lets time pass until a condition holds, asked after every event. Does not wait for handlers.
   *
   * @throws SimulationError with the nodes' logs when it does not come to hold
   */
  until(condition: () => boolean, options: WithinOptions = {}): Promise<void> {
    return this.#pass('until', async () => {
      checkCall('until', { condition, options });
      const { withinMs = WAIT_MS } = options;
      if (await this.#passTime(() => answerOf(condition), this.#eagerly(withinMs))) return;
      throw this.#applications.inVain(`The condition did not come to hold within ${withinMs} ms`);
    });
  }

  /**
   * Lets time pass until a promise settles, and gives its value or throws its reason.
   *
   * ```ts
   * const price = await cluster.run(cluster.membership('a').request(b, 'price', { sku: 'tea' }));
   * ```
   *
   * @throws SimulationError when it does not settle
   */
  run<T>(promise: PromiseLike<T>, options: WithinOptions = {}): Promise<T> {
    return this.#pass('run', async () => {
      checkCall('run', { promise, options });
      const { withinMs = WAIT_MS } = options;
      const settled = hasSettled(promise);
      const patience = { holdMs: 0, virtualMs: withinMs, realMs: this.#patienceMs };
      if (await this.#passTime(settled, patience)) return promise;
      throw this.#applications.inVain(`The promise did not settle within ${withinMs} ms`);
    });
  }

  /** Lets time pass until all nodes that run see each other alive, and nobody else. */
  settle(options: WithinOptions = {}): Promise<void> {
    return this.#pass('settle', async () => {
      checkCall('settle', { options });
      const { withinMs = WAIT_MS } = options;
      if (await this.#passTime(() => this.#applications.areSettled, this.#eagerly(withinMs))) return;
      throw this.#applications.inVain(`The nodes did not come to see each other within ${withinMs} ms`);
    });
  }

  // --- faults of processes ---

  /**
   * The process dies: its sockets are closed, none of its application's hooks run, its handlers run no more. What the
   * application itself holds in real time (intervals, database connections) is left to the test.
   */
  crash(name: string): void {
    const application = this.#alive(name);
    this.#nodes.crash(name);
    application.end();
  }

  /** The machine dies: no socket is closed, nothing is answered. For the application it is a crash. */
  powerOff(name: string): void {
    const application = this.#known(name);
    this.#nodes.powerOff(name);
    application.end();
  }

  /** Starts a new application, with a new id, at the same address; after a crash if the old one still runs. */
  restart(name: string): Promise<void> {
    return this.#pass('restart', async () => {
      if (this.#known(name).isRunning) this.crash(name);
      // Whoever holds a connection from before a power failure learns of it now.
      this.#nodes.network.crash(name);
      this.#nodes.network.restore(name);
      await this.#init([await this.#applications.compile(name)]);
    });
  }

  /** Closes a node's application: it drains and leaves, as on SIGTERM. */
  stop(name: string): Promise<void> {
    return this.#pass('stop', async () => {
      await this.#applications.end([this.#alive(name)]);
    });
  }

  /** SIGSTOP: its timers, input and output stand still. */
  pause(name: string): void {
    this.#alive(name);
    this.#nodes.pause(name);
  }

  /** SIGCONT. */
  resume(name: string): void {
    this.#alive(name);
    this.#nodes.resume(name);
  }

  /** A node's event loop is blocked for a while; returns at once. */
  stall(name: string, ms: number): void {
    checkCall('stall', { ms });
    this.#alive(name);
    this.#nodes.stall(name, ms);
  }

  // --- faults of the network ---

  /** Nothing passes between two nodes. */
  cut(a: string, b: string): void {
    this.#pair('cut', a, b);
    this.#nodes.cut(a, b);
  }

  /** Nothing passes from one node to another; the way back stays open. */
  cutOneWay(from: string, to: string): void {
    this.#pair('cutOneWay', from, to);
    this.#nodes.cutOneWay(from, to);
  }

  /** Undoes what `cut` did between two nodes, or without names all that `cut` and `partition` did. */
  heal(a?: string, b?: string): void {
    this.#pairOrAll('heal', a, b);
    this.#nodes.heal(a, b);
  }

  /** Nothing passes between different groups. */
  partition(...groups: readonly (readonly string[])[]): void {
    checkCall('partition', { groups });
    for (const name of groups.flat()) this.#known(name);
    this.#nodes.partition(...groups);
  }

  /** How long messages take from now on: everywhere, or from one node to another. */
  delay(latency: Latency, from?: string, to?: string): void {
    checkCall('delay', { latency });
    this.#pairOrAll('delay', from, to);
    this.#nodes.delay(latency, from, to);
  }

  // --- end ---

  /**
   * Heals the network and closes every application that runs. Idempotent; ends an `advance` that is under way.
   *
   * @throws what an application's `close()` throws, when all are closed (Nest 12 logs the errors of hooks instead)
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** For `await using cluster = await NestCluster.start(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- inside ---

  get #isClosing(): boolean {
    return this.#closed !== undefined;
  }

  async #start(): Promise<void> {
    const compiled: TestApplication[] = [];
    for (const name of this.names) {
      const application = await this.#applications.compile(name);
      compiled.push(application);
      if (this.#options.start !== 'one-by-one') continue;
      await this.#init([application]);
      await this.#startUntilSettled();
    }
    if (this.#options.start === 'one-by-one') return;
    await this.#init(compiled);
    await this.#startUntilSettled();
  }

  async #startUntilSettled(): Promise<void> {
    if (await this.#passTime(() => this.#applications.areSettled, this.#eagerly(WAIT_MS))) return;
    throw this.#applications.inVain(
      `The nodes did not come to see each other within ${WAIT_MS} ms of their start`,
    );
  }

  #init(applications: readonly TestApplication[]): Promise<void> {
    return this.#applications.init(applications, () => this.#isClosing);
  }

  async #close(): Promise<void> {
    await this.#passing?.over;
    const { alive } = this.#applications;
    for (const { name } of alive) this.#nodes.resume(name);
    this.#nodes.heal();
    await this.#applications.end(alive);
  }

  /** One at a time: two would each find the time where they did not leave it. */
  async #pass<T>(what: string, work: () => Promise<T>): Promise<T> {
    refuseFakeTicks();
    if (this.#isClosing) throw new SimulationError(`${what}: the cluster is closed`);
    if (this.#passing !== undefined) {
      throw new SimulationError(
        `${what}: time is passing already, by ${this.#passing.what}. Await that first; what is to run at once goes into one run(Promise.all([…])). A handler must not let time pass`,
      );
    }
    const working = work();
    const over = working.then(
      () => undefined,
      () => undefined,
    );
    this.#passing = { what, over };
    try {
      const result = await working;
      if (this.#isClosing) throw new SimulationError(`${what}: the cluster was closed meanwhile`);
      return result;
    } finally {
      this.#passing = undefined;
    }
  }

  #passTime(isDone: () => boolean, patience: Patience): Promise<boolean> {
    const { clock } = this.#nodes;
    return passTime(
      clock,
      () => this.#isClosing || isDone(),
      () => this.#applications.nodesCall,
      patience,
    );
  }

  /** Virtual time goes on at once; what is real has its time after it. */
  #eagerly(virtualMs: number): Patience {
    return { holdMs: 0, virtualMs, realMs: this.running.length > 0 ? this.#patienceMs : QUICK_MS };
  }

  /** For what would change something. */
  #known(name: string): TestApplication {
    if (this.#isClosing) throw new SimulationError('The cluster is closed');
    return this.#applications.of(name);
  }

  /** For what only a process that runs can be told. */
  #alive(name: string): TestApplication {
    const application = this.#known(name);
    if (!application.isRunning) throw new SimulationError(`${name} does not run`);
    return application;
  }

  #pair(call: string, a: string, b: string): void {
    for (const name of [a, b]) this.#known(name);
    if (a === b) throw new SimulationError(`${call} needs two nodes, not ${a} twice`);
  }

  #pairOrAll(call: string, a: string | undefined, b: string | undefined): void {
    if (this.#isClosing) throw new SimulationError('The cluster is closed');
    if (isPair(call, a, b)) this.#pair(call, a!, b!);
  }
}
