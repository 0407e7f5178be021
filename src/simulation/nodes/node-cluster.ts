import { ClusterNode } from '../../cluster/node.js';
import { limitsOfTransport } from '../../cluster/limits.js';
import type { ClusterOptions, TransportContext } from '../../cluster/options.js';
import { seeds } from '../../discovery/static.js';
import { MemoryNetwork } from '../../transport/memory/memory-network.js';
import { SessionTransport } from '../../transport/session-transport.js';
import type { Transport } from '../../transport/transport.js';
import { VirtualClock } from '../clock/virtual-clock.js';
import { drawLatencyMs, type Latency } from '../network/latency.js';
import type { DialRule } from '../network/paths.js';
import { Random } from '../random.js';
import { answerOf, checkFault } from '../check-call.js';
import type { Fault } from '../scenarios/fault.js';
import { namesIn } from '../scenarios/fault-names.js';
import { nodeName } from '../scenarios/scenario.js';
import type { Within } from '../simulation-options.js';
import { SimulationError } from '../simulation-error.js';
import { applyToNodes } from './apply-fault.js';
import { checkCall, isPair } from './check-call.js';
import { checkNodeClusterOptions } from './check-options.js';
import type { NodeClusterOptions } from './node-cluster-options.js';
import type { Machine } from './machine.js';
import { NodeLog } from './node-log.js';
import { Process } from './process.js';

const FIRST_PORT = 7001;
/** Every node looks for others at the first so many addresses. */
const SEEDS = 3;
const WAIT_MS = 60_000;
const DEFAULT_LATENCY: Latency = { minMs: 0.5, maxMs: 0.5 };
/** Log lines of each node in the message of a wait that was in vain. */
const LINES_TOLD = 50;

/**
 * Whole nodes, as an application has them, in virtual time on a network in memory. Nothing happens unless time is
 * told to pass, and the same seed and calls give the same run. A call that makes no sense throws SimulationError.
 *
 * @example
 * const cluster = new NodeCluster({ seed: 7 });
 * const [a] = await cluster.start('a', 'b', 'c');
 * cluster.crash('c');
 * await cluster.until(() => a.activeMembers.length === 2);
 * await cluster.close();
 *
 * @publicApi
 */
export class NodeCluster {
  /** The time of all nodes. */
  readonly clock = new VirtualClock();
  /** What their links cross, for faults that have no method here. */
  readonly network: MemoryNetwork;
  readonly #options: NodeClusterOptions;
  readonly #random: Random;
  readonly #latencyRandom: Random;
  readonly #machines = new Map<string, Machine>();
  readonly #nodes = new Map<string, ClusterNode>();
  /** How often all was healed: what was to go on until then ends. */
  healings = 0;

  /** @throws InvalidOptionError for a wrong option */
  constructor(options: NodeClusterOptions = {}) {
    checkNodeClusterOptions(options);
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    this.#latencyRandom = this.#random.fork();
    const ofNetwork = this.#random.fork();
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: () => ofNetwork.next(),
      delay: this.#draw(options.latency ?? DEFAULT_LATENCY),
    });
  }

  /** The latest node of each name, crashed ones included. */
  get nodes(): ReadonlyMap<string, ClusterNode> {
    return this.#nodes;
  }

  /** Virtual milliseconds since the beginning. */
  get nowMs(): number {
    return this.clock.now();
  }

  // --- nodes ---

  /** Makes a node; it is not started. Without a name it gets the next letter. */
  add(name: string = nodeName(this.#machines.size), options?: ClusterOptions): ClusterNode {
    if (this.isRunning(name)) throw new SimulationError(`The node ${name} runs already`);
    const node = new ClusterNode(this.options(name, options));
    this.adopt(name, node);
    return node;
  }

  /**
   * The options of a node that somebody else makes: its clock, randomness, transport, address, seeds and log. Each
   * call begins a new process at the name's address, for one node.
   *
   * @param custom kept, also for a `restart`; without it those of the call before
   */
  options(name: string, custom?: ClusterOptions): ClusterOptions {
    const machine = this.#machine(name, custom);
    const process = new Process(name, this.clock, this.#random.uint32(), machine.log);
    machine.process = process;
    machine.node = undefined;
    return {
      clusterName: 'simulated',
      nodeName: name,
      port: machine.port,
      discovery: seeds(...Array.from({ length: SEEDS }, (_, i) => `127.0.0.1:${FIRST_PORT + i}`)),
      clock: process,
      random: process.random,
      logger: machine.log,
      transport: (context) => this.#transport(process, context),
      ...machine.custom,
    };
  }

  /** Takes a node that somebody else made with {@link options}, so that it is among `nodes` and can leave by name. */
  adopt(name: string, node: ClusterNode): void {
    this.#known(name).node = node;
    this.#nodes.set(name, node);
    this.#options.onNode?.(node, this.process(name));
  }

  /** Starts nodes at once (without names: those that are there) and waits until they all see each other. */
  async start(...names: string[]): Promise<ClusterNode[]> {
    const started = names.length > 0 ? names : [...this.#nodes.keys()];
    const nodes = started.map((name) => this.#created(name) ?? this.add(name));
    await this.run(Promise.all(nodes.map((node) => node.start())));
    const ids = nodes.map((node) => node.local.id);
    await this.until(() => nodes.every((node) => ids.every((id) => node.member(id)?.state === 'alive')));
    return nodes;
  }

  /** Says good-bye and closes; lets time pass until that is done. */
  async leave(name: string): Promise<void> {
    const { node } = this.#known(name);
    if (node === undefined) throw new SimulationError(`No node of this cluster is called ${name}`);
    await this.run(node.close());
  }

  /** Whether a node of this name has a process that has neither crashed nor closed. Paused ones run. */
  isRunning(name: string): boolean {
    const machine = this.#machines.get(name);
    if (machine?.process === undefined || machine.process.end !== 'none') return false;
    const status = machine.node?.status;
    return status !== 'closed' && status !== 'left';
  }

  /** The event loop of a name's process, in which code of that process has to run. */
  process(name: string): Process {
    const { process } = this.#known(name);
    if (process === undefined) throw new SimulationError(`${name} has no process`);
    return process;
  }

  /** What a node has logged, its newest lines, over all its processes. */
  log(name: string): readonly string[] {
    return this.#known(name).log.lines;
  }

  // --- what happens to processes ---

  /** The process dies: its sockets are closed by the kernel, its port refuses. */
  crash(name: string): void {
    const { process } = this.#known(name);
    if (process === undefined || process.end !== 'none') return;
    process.kill('crashed');
    this.network.crash(name);
  }

  /** The machine loses its power: nothing is closed, nothing is answered. */
  powerOff(name: string): void {
    this.#known(name).process?.kill('powered-off');
    this.network.blackHole(name);
  }

  /** Starts a new process at the same address, after a crash if the old one still runs. */
  restart(name: string): ClusterNode {
    this.crash(name);
    // Whoever still holds a connection to the machine from before its power failed is told at the next packet.
    this.network.crash(name);
    this.network.restore(name);
    return this.launch(name);
  }

  /** Makes a node and starts it; does not wait for it. */
  launch(name: string): ClusterNode {
    const node = this.add(name);
    node.start().catch((error: unknown) => this.#known(name).log.error('The node could not start', error));
    return node;
  }

  /** SIGSTOP: timers, input and output stand still; the kernel still takes connections and bytes. */
  pause(name: string): void {
    this.process(name).loop.freeze();
  }

  /** SIGCONT. */
  resume(name: string): void {
    this.process(name).loop.thaw();
  }

  /** The event loop is blocked for a while. */
  stall(name: string, ms: number): void {
    checkCall('stall', { ms });
    const { loop } = this.process(name);
    const reason = {};
    loop.freeze(reason);
    this.clock.setTimer(ms, () => loop.thaw(reason));
  }

  /** The machine sleeps: its monotonic clock stands still, its wall clock goes on. */
  suspend(name: string, ms: number): void {
    checkCall('suspend', { ms });
    const { loop } = this.process(name);
    loop.sleep();
    this.clock.setTimer(ms, () => loop.wake());
  }

  // --- what happens to the network ---

  /** Nothing passes between two nodes any more; links between them are kept and silent. */
  cut(a: string, b: string): void {
    this.#pair('cut', a, b);
    this.network.cut(a, b);
  }

  /** Nothing passes in one direction any more. */
  cutOneWay(from: string, to: string): void {
    this.#pair('cutOneWay', from, to);
    this.network.cutOneWay(from, to);
  }

  /** Undoes cuts and refused dials between two nodes, or without names everything that `cut` and `partition` did. */
  heal(a?: string, b?: string): void {
    this.#pairOrAll('heal', a, b);
    this.network.heal(a, b);
  }

  /** Undoes everything that was done to the network, delays too. Machines without power stay so. */
  healAll(): void {
    this.healings++;
    this.network.clearWays();
    this.network.defaultDelay = this.#draw(this.#options.latency ?? DEFAULT_LATENCY);
    this.network.lossPerFrame = 0;
    this.network.heal();
  }

  /** Nothing passes between different groups. */
  partition(...groups: readonly (readonly string[])[]): void {
    checkCall('partition', { groups });
    for (const name of groups.flat()) this.#named(name);
    this.network.partition(...groups);
  }

  /** The share of frames that break their connection, from one node to another, or without names everywhere. */
  lose(share: number, from?: string, to?: string): void {
    checkCall('lose', { share });
    if (this.#pairOrAll('lose', from, to)) this.network.setLossOneWay(from!, to!, share);
    else this.network.lossPerFrame = share;
  }

  /** How a node's host answers new dials of all others; connections that there are go on. */
  answerDials(name: string, rule: DialRule): void {
    checkCall('answerDials', { rule });
    this.#named(name);
    for (const other of this.#machines.keys())
      this.network.answerDials(other, name, rule === 'allow' ? undefined : rule);
  }

  /** Breaks all connections between two nodes, as a reset does; new ones can be made. */
  breakLinks(a: string, b: string): void {
    this.#pair('breakLinks', a, b);
    this.network.breakLinks(a, b);
  }

  /** How long frames take from one node to another, or without names everywhere, from now on. */
  delay(latency: Latency, from?: string, to?: string): void {
    checkCall('delay', { latency });
    if (this.#pairOrAll('delay', from, to)) this.network.setDelayOneWay(from!, to!, this.#draw(latency));
    else this.network.defaultDelay = this.#draw(latency);
  }

  /** Does a fault, or nothing where it makes no sense now; one of nodes that there are not throws SimulationError. */
  apply(fault: Fault): this {
    checkFault(fault);
    for (const name of namesIn(fault)) this.#named(name);
    applyToNodes(this, fault);
    return this;
  }

  // --- time ---

  /** Lets time pass. */
  async advance(ms: number): Promise<void> {
    checkCall('advance', { ms });
    await this.clock.advance(ms);
  }

  /** Lets time pass until a promise settles, and gives its value; fails after `withinMs` (60,000). */
  async run<T>(promise: PromiseLike<T>, options: Within = {}): Promise<T> {
    checkCall('run', { promise, options });
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    await this.#wait('The promise did not settle', () => settled, options);
    return promise;
  }

  /** Lets time pass until a condition holds; fails after `withinMs` (60,000) with the nodes' logs. */
  async until(condition: () => boolean, options: Within = {}): Promise<void> {
    checkCall('until', { condition, options });
    await this.#wait('The condition did not come to hold', () => answerOf(condition), options);
  }

  /** Ends every node that still runs, gracefully. Idempotent. */
  async close(): Promise<void> {
    for (const { process } of this.#machines.values()) process?.loop.thaw();
    this.healAll();
    const running = [...this.#nodes].filter(([name]) => this.isRunning(name));
    await this.run(Promise.all(running.map(([, node]) => node.close())));
  }

  // --- inside ---

  async #wait(complaint: string, condition: () => boolean, { withinMs = WAIT_MS }: Within): Promise<void> {
    if (await this.clock.advanceUntil(condition, withinMs)) return;
    const logs = [...this.#machines.values()].map(
      ({ name, log }) => `${name}:\n  ${log.lines.slice(-LINES_TOLD).join('\n  ')}`,
    );
    throw new SimulationError(
      `${complaint} within ${withinMs} ms (seed ${this.#options.seed ?? 1})\n${logs.join('\n')}`,
    );
  }

  /** With the limits that it would have over TCP. */
  #transport(process: Process, context: TransportContext): Transport {
    const { wire, transportLimits, wrapLinks, wrapTransport } = this.#options;
    const { limits, deadlines } = limitsOfTransport(context.limits, context.probeTimeoutMs);
    const links = this.network.links(process.name, { loop: process, wire });
    const transport = new SessionTransport(wrapLinks?.(links, context.id) ?? links, {
      ...context,
      limits: { ...limits, ...transportLimits },
      deadlines,
    });
    return wrapTransport === undefined ? transport : wrapTransport(transport, process, context.id);
  }

  #machine(name: string, custom: ClusterOptions | undefined): Machine {
    const known = this.#machines.get(name);
    const { onLog } = this.#options;
    const machine: Machine = {
      name,
      port: known?.port ?? FIRST_PORT + this.#machines.size,
      log: known?.log ?? new NodeLog(() => this.nowMs, onLog && ((line) => onLog(name, line))),
      custom: custom ?? known?.custom ?? {},
      process: undefined,
      node: undefined,
    };
    this.#machines.set(name, machine);
    return machine;
  }

  #known(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new SimulationError(`No node of this cluster is called ${name}`);
    return machine;
  }

  /** For what may also be done to a node that is yet to come. */
  #named(name: string): void {
    if (this.#options.late?.includes(name) !== true) this.#known(name);
  }

  #pair(call: string, a: string, b: string): void {
    for (const name of [a, b]) this.#named(name);
    if (a === b) throw new SimulationError(`${call} needs two nodes, not ${a} twice`);
  }

  /** @returns whether it is about two nodes, and not about all */
  #pairOrAll(call: string, a: string | undefined, b: string | undefined): boolean {
    if (!isPair(call, a, b)) return false;
    this.#pair(call, a!, b!);
    return true;
  }

  /** A node that was made and not started. */
  #created(name: string): ClusterNode | undefined {
    const node = this.isRunning(name) ? this.#nodes.get(name) : undefined;
    return node?.status === 'created' ? node : undefined;
  }

  #draw(latency: Latency): () => number {
    return () => drawLatencyMs(latency, this.#latencyRandom);
  }
}
