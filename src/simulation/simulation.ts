import type { ClusterMetadata, MemberState } from '../membership/membership.js';
import { answerOf, checkCall, checkFault } from './check-call.js';
import { checkSimulationOptions } from './check-options.js';
import { VirtualClock } from './clock/virtual-clock.js';
import { Faults, SEEDS } from './faults.js';
import { checksOf } from './invariants/always.js';
import type { Latency } from './network/latency.js';
import { Paths, type DialRule, type Reordering } from './network/paths.js';
import { SimulatedLinks } from './network/simulated-links.js';
import { Population } from './population.js';
import { Random } from './random.js';
import type { Fault } from './scenarios/fault.js';
import type { SimulatedNode } from './simulated-node.js';
import { SimulationError } from './simulation-error.js';
import type { SimulationOptions, Within } from './simulation-options.js';
import type { Surroundings } from './surroundings.js';
import type { EventRecord } from './trace/event-record.js';
import { Journal } from './trace/journal.js';
import { Watchers } from './trace/watchers.js';

export type { SimulationOptions, Within } from './simulation-options.js';

const LINES_IN_ERRORS = 80;
/** How long the `until…` methods wait unless told otherwise. */
const PATIENCE_MS = 120_000;
/** Steps in which conditions are looked at: fine for events, coarse where looking costs n². */
const FINE_STEP_MS = 1;
const COARSE_STEP_MS = 10;
/** Between two ticks of the checks that want them. */
const TICK_MS = 100;

/**
 * A whole cluster in virtual time, driven by sentences: `cluster.cut('a', 'c').untilSuspected('c', { by: 'a' })`.
 * The same options give the same run, event for event. The invariants are on unless switched off.
 *
 * @publicApi
 */
export class Simulation<M> {
  /** The time of all nodes. */
  readonly clock = new VirtualClock();
  /** What happened, line by line. */
  readonly journal: Journal;
  readonly #options: SimulationOptions<M>;
  readonly #around: Surroundings<M>;
  readonly #population: Population<M>;
  readonly #faults: Faults<M>;

  /** @throws InvalidOptionError */
  constructor(options: SimulationOptions<M>) {
    checkSimulationOptions(options);
    this.#options = options;
    const random = new Random(options.seed);
    const records = options.record ?? true;
    this.journal = new Journal(() => this.clock.now(), { keep: records, onLine: options.onTrace });
    const paths = new Paths(random.fork(), options.latency ?? { minMs: 0.2, maxMs: 1 });
    this.#around = {
      clock: this.clock,
      paths,
      links: new SimulatedLinks(this.clock, paths, random.fork(), {
        dialTimeoutMs: options.dialTimeoutMs ?? 1000,
        maxLinks: options.maxLinks ?? 256,
      }),
      journal: this.journal,
      watchers: new Watchers(checksOf(options)),
      codec: options.wire,
      traceMessages: (options.traceMessages ?? false) && this.journal.isRead,
      records,
      counts: { messages: 0, inputs: 0 },
      ended: () => this.#population.ended(),
    };
    this.#population = new Population(this.#around, random, options.protocol);
    this.#faults = new Faults(this.#around, this.#population);
    this.#begin();
    for (let index = 0; index < options.nodes; index++) this.#startNode();
  }

  // --- looking ---

  /** Names of all nodes, running or not. */
  get names(): readonly string[] {
    return this.#population.names;
  }

  /** Virtual milliseconds since the beginning. */
  get nowMs(): number {
    return this.clock.now();
  }

  /** Messages that protocols have sent so far. */
  get messagesSent(): number {
    return this.#around.counts.messages;
  }

  /** Inputs that protocols have dealt with so far: the simulated events. */
  get inputs(): number {
    return this.#around.counts.inputs;
  }

  /** A node's running or last process; `c#1` is its first. */
  node(name: string): SimulatedNode<M> {
    return this.#population.node(name);
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
    return this.#population.agrees;
  }

  /** Whether every other running node that is not frozen holds this one so. */
  everyoneHolds(name: string, state: MemberState): boolean {
    checkCall('everyoneHolds', { state });
    return this.#population.everyoneHolds(this.node(name).id, state);
  }

  /** The latest lines of one node's journal, or of all. */
  log(name?: string, lines?: number): string {
    checkCall('log', { lines });
    if (name !== undefined) this.node(name);
    return this.journal.read(name, lines);
  }

  // --- time ---

  /** Lets so much time pass. */
  runFor(ms: number): this {
    checkCall('runFor', { ms });
    this.#explained(() => this.clock.runFor(ms));
    return this;
  }

  /** Runs until all agree: see {@link agrees}. */
  settle(options: Within = {}): this {
    checkCall('settle', { options });
    return this.until('all agree', () => this.agrees, options, COARSE_STEP_MS);
  }

  /** Runs until `by` suspects a node. */
  untilSuspected(name: string, options: Within & { readonly by: string }): this {
    checkCall('untilSuspected', { options });
    return this.#untilHeld(name, 'suspect', options);
  }

  /** Runs until `by` holds a node unreachable. */
  untilUnreachable(name: string, options: Within & { readonly by: string }): this {
    checkCall('untilUnreachable', { options });
    return this.#untilHeld(name, 'unreachable', options);
  }

  /** Runs until every other running node that is not frozen holds a node so. */
  untilEveryoneHolds(name: string, state: MemberState, options: Within = {}): this {
    checkCall('untilEveryoneHolds', { state, options });
    this.node(name);
    const what = `everyone holds ${name} ${state}`;
    return this.until(what, () => this.everyoneHolds(name, state), options);
  }

  /** Runs until something holds. @throws SimulationError when it does not come to hold in time */
  until(what: string, holds: () => boolean, options: Within = {}, stepMs = FINE_STEP_MS): this {
    checkCall('until', { what, holds, options, stepMs });
    const { withinMs = PATIENCE_MS } = options;
    this.#explained(() => {
      const endMs = this.clock.now() + withinMs;
      while (!answerOf(holds)) {
        if (this.clock.now() >= endMs)
          throw new SimulationError(`Waited ${withinMs} ms in vain until ${what}`);
        this.clock.runFor(stepMs);
      }
    });
    return this;
  }

  /** The scenario is over: every running node's protocol is stopped, and the checks have their last look. */
  finish(): this {
    this.#explained(() => {
      for (const { protocol } of this.#population.running) protocol.stop();
      for (const check of this.#around.watchers.finish) check.finish();
    });
    return this;
  }

  // --- faults, as data ---

  /** Does what the fault says; nothing when it makes no sense now. */
  apply(fault: Fault): this {
    checkFault(fault);
    return this.#faults.objectionTo(fault) === undefined ? this.#do(fault) : this;
  }

  // --- faults of the network. All faults below throw when they make no sense. ---

  /** Nothing passes between two nodes any more; links between them are kept and silent. */
  cut(a: string, b: string): this {
    return this.cutOneWay(a, b).cutOneWay(b, a);
  }

  /** Nothing passes in one direction any more. */
  cutOneWay(from: string, to: string): this {
    return this.#do({ kind: 'cut', from, to });
  }

  /** Undoes cuts and flapping between two nodes. */
  heal(a: string, b: string): this {
    return this.#do({ kind: 'heal', from: a, to: b }).#do({ kind: 'heal', from: b, to: a });
  }

  /** The network is as it was in the beginning: no cut, loss, duplicate, delay, dial rule or shared address is left. */
  healAll(): this {
    return this.#do({ kind: 'heal-all' });
  }

  /** Cuts between all pairs of different groups. */
  partition(...groups: readonly (readonly string[])[]): this {
    return this.#do({ kind: 'partition', groups });
  }

  /** Both directions go down for `downMs` and up again for `upMs`, so many times. */
  flap(a: string, b: string, downMs: number, upMs: number, times: number): this {
    return this.#do({ kind: 'flap', a, b, downMs, upMs, times });
  }

  /** The share of whole messages that are lost: everywhere, or in one direction. */
  lose(share: number, from?: string, to?: string): this {
    return this.#do({ kind: 'lose', share, from, to });
  }

  /** The share of messages that come twice: everywhere, or in one direction. */
  duplicate(share: number, from?: string, to?: string): this {
    return this.#do({ kind: 'duplicate', share, from, to });
  }

  /** The share of messages that are held back and overtaken: everywhere, or in one direction. */
  reorder(reordering: Reordering, from?: string, to?: string): this {
    return this.#do({ kind: 'reorder', ...reordering, from, to });
  }

  /** How long a crossing takes: everywhere, or between two nodes, both ways. */
  delay(latency: Latency, a?: string, b?: string): this {
    if (a === undefined || b === undefined) return this.#do({ kind: 'delay', latency, from: a, to: b });
    return this.delayOneWay(latency, a, b).delayOneWay(latency, b, a);
  }

  /** How long a crossing takes in one direction. */
  delayOneWay(latency: Latency, from: string, to: string): this {
    return this.#do({ kind: 'delay', latency, from, to });
  }

  /** How a node's host (its firewall) answers new dials; kept links go on. */
  answerDials(node: string, rule: DialRule): this {
    return this.#do({ kind: 'answer-dials', node, rule });
  }

  /** A second process answers new dials at the node's address, while the first keeps its links. */
  shareAddress(node: string): this {
    return this.#do({ kind: 'share-address', node });
  }

  // --- faults of nodes ---

  /** The process dies; its kernel closes its sockets and refuses dials. */
  crash(node: string): this {
    return this.#do({ kind: 'crash', node });
  }

  /** The host dies: no socket is closed, no dial is answered. */
  powerOff(node: string): this {
    return this.#do({ kind: 'power-off', node });
  }

  /** A new process, with a NodeId of its own, at the same address. */
  restart(node: string): this {
    return this.#do({ kind: 'restart', node });
  }

  /** SIGSTOP. */
  pause(node: string): this {
    return this.#do({ kind: 'pause', node });
  }

  /** SIGCONT. */
  resume(node: string): this {
    return this.#do({ kind: 'resume', node });
  }

  /** Blocks the event loops of these nodes for a while; returns at once. */
  stall(nodes: string | readonly string[], ms: number): this {
    for (const node of [nodes].flat()) this.#do({ kind: 'stall', node, ms });
    return this;
  }

  /** Lifeguard's anomaly: for a while these nodes block at each send and receive; their timers go on. Returns at once. */
  blockIo(nodes: string | readonly string[], ms: number): this {
    for (const node of [nodes].flat()) this.#do({ kind: 'block-io', node, ms });
    return this;
  }

  /** The machine sleeps for a while, and its monotonic clock with it; its wall clock does not. Returns at once. */
  suspend(node: string, ms: number): this {
    return this.#do({ kind: 'suspend', node, ms });
  }

  /** The node's wall clock jumps, either way. */
  shiftClock(node: string, ms: number): this {
    return this.#do({ kind: 'shift-clock', node, ms });
  }

  /** Each callback of the node's event loop takes so long from now on; 0 ends it. */
  slowLoop(node: string, callbackMs: number): this {
    return this.#do({ kind: 'slow-loop', node, callbackMs });
  }

  /** The node leaves gracefully and ends when its leave has spread. */
  leave(node: string): this {
    return this.#do({ kind: 'leave', node });
  }

  /** Replaces what a node tells of itself. */
  setMetadata(node: string, metadata: ClusterMetadata): this {
    return this.#do({ kind: 'set-metadata', node, metadata });
  }

  /** Makes one node join others, or try again. */
  join(name: string, ...seeds: readonly string[]): this {
    checkCall('join', { seeds });
    this.node(name).join(seeds.map((seed) => this.node(seed).self.address));
    return this;
  }

  // --- inside ---

  #do(fault: Fault): this {
    checkFault(fault);
    this.#explained(() => this.#faults.inject(fault));
    return this;
  }

  #begin(): void {
    const { watchers } = this.#around;
    const watched = {
      clock: this.clock,
      get nowMs() {
        return this.clock.now();
      },
      running: () => this.#population.running,
      nameOf: (id: Parameters<Journal['nameOf']>[0]) => this.journal.nameOf(id),
    };
    for (const check of watchers.begin) check.begin(watched);
    if (watchers.tick.length > 0) this.#tick();
  }

  #tick(): void {
    this.clock.setTimer(TICK_MS, () => {
      for (const check of this.#around.watchers.tick) check.tick(this.clock.now());
      this.#tick();
    });
  }

  #startNode(): void {
    const { start = 'one-by-one' } = this.#options;
    const seeds = this.#population.seeds(SEEDS);
    const node = this.#population.add();
    if (start === 'apart' || seeds.length === 0) return;
    node.join(start === 'together' ? seeds : seeds.slice(0, 1));
    if (start === 'one-by-one') this.until(`${node.name} has joined`, () => node.members.length > 1);
  }

  #untilHeld(name: string, state: MemberState, { by, withinMs }: Within & { readonly by: string }): this {
    for (const node of [by, name]) this.node(node);
    return this.until(`${by} holds ${name} ${state}`, () => this.stateAt(by, name) === state, { withinMs });
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
