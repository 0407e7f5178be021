import { formatAddress, type Address } from '../address.js';
import type { ClusterMetadata, MemberState } from '../membership/membership.js';
import type { ProtocolCodec } from '../membership/protocol.js';
import { createNodeId, type NodeId } from '../node-id.js';
import type { EventRecord } from './trace/event-record.js';
import { Invariants } from './invariants/invariants.js';
import { Journal } from './trace/journal.js';
import type { Latency } from './network/latency.js';
import { Paths, type DialRule } from './network/paths.js';
import { Random } from './random.js';
import { EPOCH_MS, SimulatedNode, type ProtocolFactory, type Surroundings } from './simulated-node.js';
import { SimulatedLinks } from './network/simulated-links.js';
import { SimulationError } from './simulation-error.js';
import { VirtualClock } from './clock/virtual-clock.js';

/** How many members a joiner is told of, as a discovery would. */
const SEEDS = 3;
const PORT = 7946;
const LINES_IN_ERRORS = 80;
/** How long the `until…` methods wait unless told otherwise. */
const PATIENCE_MS = 120_000;
/** Steps in which conditions are looked at: fine for events, coarse where looking costs n². */
const FINE_STEP_MS = 1;
const COARSE_STEP_MS = 10;

/** What a simulation is made of. */
export interface SimulationOptions<M> {
  /** How many nodes start; they are called a, b, c … z, aa, ab … */
  readonly nodes: number;
  /** The same seed gives the same run. */
  readonly seed: number;
  readonly protocol: ProtocolFactory<M>;
  /**
   * `one-by-one` (default): each joins after the one before it has · `together`: all at once, knowing the first three ·
   * `apart`: nobody joins anybody.
   */
  readonly start?: 'one-by-one' | 'together' | 'apart' | undefined;
  /** One crossing of the network. Default: 0.2 to 1 ms. */
  readonly latency?: Latency | undefined;
  /** After how long a dial is given up. Default: 1000 ms. */
  readonly dialTimeoutMs?: number | undefined;
  /** Sends every message through its bytes. Default: by reference. */
  readonly wire?: ProtocolCodec<M> | undefined;
  /** Writes messages to the journal too. Default: false. */
  readonly traceMessages?: boolean | undefined;
}

export interface Within {
  /** Longest wait in virtual milliseconds. Default: 120,000. */
  readonly within?: number | undefined;
}

/**
 * A whole cluster in virtual time, driven by sentences: `cluster.cut('a', 'c').untilSuspected('c', { by: 'a' })`.
 * The same options give the same run, event for event. The invariants are always on.
 */
export class Simulation<M> {
  readonly clock = new VirtualClock();
  readonly journal = new Journal(() => this.clock.now());
  readonly invariants = new Invariants();
  readonly #options: SimulationOptions<M>;
  readonly #random: Random;
  readonly #paths: Paths;
  readonly #around: Surroundings<M>;
  /** All processes of each node, the running or last one at the end. */
  readonly #processes = new Map<string, SimulatedNode<M>[]>();

  constructor(options: SimulationOptions<M>) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#paths = new Paths(this.#random.fork(), options.latency ?? { minMs: 0.2, maxMs: 1 });
    this.#around = {
      clock: this.clock,
      links: new SimulatedLinks(this.clock, this.#paths, this.#random.fork(), options.dialTimeoutMs ?? 1000),
      journal: this.journal,
      invariants: this.invariants,
      codec: options.wire,
      traceMessages: options.traceMessages ?? false,
    };
    for (let index = 0; index < options.nodes; index++) this.#startNode(nameOf(index), index);
  }

  // --- looking ---

  /** Names of all nodes, running or not. */
  get names(): readonly string[] {
    return [...this.#processes.keys()];
  }

  get nowMs(): number {
    return this.clock.now();
  }

  /** A node's running or last process; `c#1` is its first. */
  node(name: string): SimulatedNode<M> {
    const [node, number] = name.split('#');
    const processes = this.#processes.get(node!);
    const process = number === undefined ? processes?.at(-1) : processes?.[Number(number) - 1];
    if (process === undefined) throw new SimulationError(`There is no node "${name}"`);
    return process;
  }

  /** What a node has seen since it started. */
  eventsAt(name: string): EventRecord {
    return this.node(name).events;
  }

  /** Names of the members that a node holds active, sorted. */
  membersAt(name: string): readonly string[] {
    return this.node(name)
      .members.map(({ id }) => this.journal.nameOf(id))
      .sort();
  }

  /** What a node thinks of another. */
  stateAt(observer: string, about: string): MemberState | undefined {
    return this.node(observer).protocol.member(this.node(about).id)?.state;
  }

  /** Whether every running node that is not frozen holds exactly the running ones, all alive. */
  get agrees(): boolean {
    const running = this.#running();
    const ids = new Set<NodeId>(running.map(({ id }) => id));
    return running.every(
      ({ loop, members }) =>
        loop.isFrozen ||
        (members.length === ids.size && members.every(({ id, state }) => ids.has(id) && state === 'alive')),
    );
  }

  /** Whether every other running node that is not frozen holds this one so. */
  everyoneHolds(name: string, state: MemberState): boolean {
    const { id } = this.node(name);
    return this.#running().every(
      ({ id: observer, loop, protocol }) =>
        observer === id || loop.isFrozen || protocol.member(id)?.state === state,
    );
  }

  /** The latest lines of one node's journal, or of all. */
  log(name?: string, lines?: number): string {
    return this.journal.read(name, lines);
  }

  // --- time ---

  runFor(ms: number): this {
    this.#explained(() => this.clock.runFor(ms));
    return this;
  }

  /** Runs until all agree: see {@link agrees}. */
  settle(options: Within = {}): this {
    return this.until('all agree', () => this.agrees, options, COARSE_STEP_MS);
  }

  untilSuspected(name: string, options: Within & { readonly by: string }): this {
    return this.#untilHeld(name, 'suspect', options);
  }

  untilUnreachable(name: string, options: Within & { readonly by: string }): this {
    return this.#untilHeld(name, 'unreachable', options);
  }

  untilEveryoneHolds(name: string, state: MemberState, options: Within = {}): this {
    const what = `everyone holds ${name} ${state}`;
    return this.until(what, () => this.everyoneHolds(name, state), options, FINE_STEP_MS);
  }

  /** @throws SimulationError when it does not come to hold in time */
  until(
    what: string,
    holds: () => boolean,
    { within = PATIENCE_MS }: Within = {},
    stepMs = FINE_STEP_MS,
  ): this {
    this.#explained(() => {
      const endMs = this.clock.now() + within;
      while (!holds()) {
        if (this.clock.now() >= endMs) throw new SimulationError(`Waited ${within} ms in vain until ${what}`);
        this.clock.runFor(stepMs);
      }
    });
    return this;
  }

  // --- faults of the network ---

  /** Nothing passes between two nodes any more; links between them are kept and silent. */
  cut(a: string, b: string): this {
    return this.cutOneWay(a, b).cutOneWay(b, a);
  }

  cutOneWay(from: string, to: string): this {
    this.#paths.cut(this.#host(from), this.#host(to));
    return this;
  }

  heal(a: string, b: string): this {
    this.#paths.heal(this.#host(a), this.#host(b));
    this.#paths.heal(this.#host(b), this.#host(a));
    return this;
  }

  healAll(): this {
    this.#paths.healAll();
    return this;
  }

  /** Cuts between all pairs of different groups. */
  partition(...groups: readonly (readonly string[])[]): this {
    for (const group of groups) {
      for (const other of groups)
        if (other !== group) for (const a of group) for (const b of other) this.cutOneWay(a, b);
    }
    return this;
  }

  /** The share of whole messages that are lost everywhere. */
  lose(share: number): this {
    this.#paths.setLoss(share);
    return this;
  }

  /** How long a crossing takes: everywhere, or between two nodes, both ways. */
  delay(latency: Latency, a?: string, b?: string): this {
    if (a === undefined || b === undefined) this.#paths.setLatency(latency);
    else {
      this.#paths.setLatency(latency, this.#host(a), this.#host(b));
      this.#paths.setLatency(latency, this.#host(b), this.#host(a));
    }
    return this;
  }

  /** How a node's host (its firewall) answers new dials; kept links go on. */
  answerDials(name: string, rule: DialRule): this {
    this.#paths.setDialRule(this.#host(name), rule);
    return this;
  }

  // --- faults of nodes ---

  /** The process dies; its kernel closes its sockets and refuses dials. */
  crash(name: string): this {
    this.node(name).end('closed');
    return this;
  }

  /** The host dies: no socket is closed, no dial is answered. */
  powerOff(name: string): this {
    this.#paths.setPower(this.#host(name), false);
    this.node(name).end('silent');
    return this;
  }

  /** A new process, with a NodeId of its own, at the same address. */
  restart(name: string): this {
    if (this.node(name).isRunning) this.crash(name);
    this.#paths.setPower(this.#host(name), true);
    const seeds = this.#running()
      .slice(0, SEEDS)
      .map(({ self }) => self.address);
    this.#startProcess(name, this.node(name).self.address).join(seeds);
    return this;
  }

  /** SIGSTOP. */
  pause(name: string): this {
    this.node(name).note('paused');
    this.node(name).loop.freeze();
    return this;
  }

  /** SIGCONT. */
  resume(name: string): this {
    this.node(name).note('resumed');
    this.#explained(() => this.node(name).loop.thaw());
    return this;
  }

  /** Blocks the event loops of these nodes for a while; returns at once. */
  stall(names: string | readonly string[], ms: number): this {
    for (const name of [names].flat()) {
      const { loop } = this.node(name);
      loop.freeze();
      this.clock.setTimer(ms, () => loop.thaw());
    }
    return this;
  }

  /** The node leaves gracefully and ends when its leave has spread. */
  leave(name: string): this {
    this.node(name).tell((protocol) => protocol.leave());
    return this;
  }

  setMetadata(name: string, metadata: ClusterMetadata): this {
    this.node(name).tell((protocol) => protocol.setMetadata(metadata));
    return this;
  }

  /** Makes one node join others, or try again. */
  join(name: string, ...seeds: readonly string[]): this {
    this.node(name).join(seeds.map((seed) => this.node(seed).self.address));
    return this;
  }

  // --- inside ---

  #startNode(name: string, index: number): void {
    const { start = 'one-by-one' } = this.#options;
    const others = [...this.#processes.values()].slice(0, SEEDS).map(([first]) => first!.self.address);
    const node = this.#startProcess(name, addressOf(index));
    if (start === 'apart' || others.length === 0) return;
    node.join(start === 'together' ? others : others.slice(0, 1));
    if (start === 'one-by-one') this.until(`${name} has joined`, () => node.members.length > 1);
  }

  #startProcess(name: string, address: Address): SimulatedNode<M> {
    const processes = this.#processes.get(name) ?? [];
    this.#processes.set(name, processes);
    const number = processes.length + 1;
    const startedAtMs = EPOCH_MS + Math.floor(this.clock.now());
    const local = {
      id: createNodeId(startedAtMs, this.#random.bytes(10)),
      name,
      address,
      metadata: {},
      health: 'ok',
      startedAtMs,
      minVersion: 1,
      maxVersion: 1,
    } as const;
    const processName = number === 1 ? name : `${name}#${number}`;
    const node = new SimulatedNode(
      processName,
      local,
      this.#around,
      this.#random.fork(),
      this.#options.protocol,
    );
    processes.push(node);
    node.tell((protocol) => protocol.start());
    return node;
  }

  #running(): SimulatedNode<M>[] {
    return [...this.#processes.values()]
      .map((processes) => processes.at(-1)!)
      .filter(({ isRunning }) => isRunning);
  }

  #host(name: string): string {
    return formatAddress(this.node(name).self.address);
  }

  #untilHeld(name: string, state: MemberState, { by, within }: Within & { readonly by: string }): this {
    return this.until(`${by} holds ${name} ${state}`, () => this.stateAt(by, name) === state, { within });
  }

  /** Adds to an error what is needed to understand and to repeat it. */
  #explained(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = `at ${this.clock.now().toFixed(1)} ms, seed ${this.#options.seed}`;
      throw new SimulationError(`${reason}\n${where}\n${this.log(undefined, LINES_IN_ERRORS)}`, { cause });
    }
  }
}

/** a, b … z, aa, ab … */
function nameOf(index: number): string {
  const letter = String.fromCharCode(0x61 + (index % 26));
  return index < 26 ? letter : nameOf(Math.floor(index / 26) - 1) + letter;
}

/** Each node has a host of its own. */
function addressOf(index: number): Address {
  return { host: `10.0.${index >> 8}.${index & 0xff}`, port: PORT };
}
