import type { ClusterNode } from '../../cluster/node.js';
import { resolveSwimOptions } from '../../membership/swim/options.js';
import type { SessionTransport } from '../../transport/session-transport.js';
import { DEFAULT_LIMITS } from '../../transport/session/limits.js';
import type { Transport } from '../../transport/transport.js';
import { longestProbeMs } from '../invariants/bounds.js';
import { Random } from '../random.js';
import { describeFault } from '../scenarios/describe.js';
import type { Fault } from '../scenarios/fault.js';
import { FaultCounts } from '../scenarios/fault-counts.js';
import { nodeNames } from '../scenarios/scenario.js';
import type { ScenarioResult } from '../scenarios/scenario-result.js';
import { TraceHash } from '../scenarios/trace-hash.js';
import { sameMetadata } from '../../cluster/metadata.js';
import { applyToNodes } from './apply-fault.js';
import { DeliveryChecks } from './delivery-checks.js';
import { EventChecks } from './event-checks.js';
import { Findings } from './findings.js';
import { InboxChecks } from './inbox-checks.js';
import { LinkTap } from './link-tap.js';
import { MessageTap } from './message-tap.js';
import { NodeCluster } from './node-cluster.js';
import { generateNodeScenario, type GenerateNodeOptions, type NodeScenario } from './node-scenario.js';
import type { Process } from './process.js';
import { SessionChecks } from './session-checks.js';
import { Traffic } from './traffic.js';
import { TransportChecks } from './transport-checks.js';

/** All nodes have the default options. */
const SWIM = resolveSwimOptions();

/** How a scenario is run, beside what it is. */
export interface RunNodeOptions {
  /** Every line of the trace, as it is written. */
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Puts something between a node and its transport: a planted defect, for tests of the checks. */
  readonly spoil?: ((transport: Transport) => Transport) | undefined;
  /** The same, between the node's inbox and the node: what has arrived has arrived. */
  readonly spoilInbox?: ((transport: Transport) => Transport) | undefined;
}

/** Between two looks at what does not need a look after every event. */
const TICK_MS = 1000;
const CALM_STEP_MS = 250;
/** After everything has settled: whatever still comes, comes now. */
const LASTING_MS = 6000;

/** After everybody has closed: a timer that begins itself again is seen. */
const REST_MS = 60_000;

/** Draws a scenario of whole nodes from a seed and runs it. The same seed gives the same trace, byte for byte. */
export function runNodeScenario(
  seed: number,
  options: RunNodeOptions & GenerateNodeOptions = {},
): Promise<ScenarioResult> {
  return runNodeSchedule(generateNodeScenario(seed, options), options);
}

/** Runs a scenario of whole nodes to its end, or to the first broken rule. */
export async function runNodeSchedule(
  scenario: NodeScenario,
  options: RunNodeOptions = {},
): Promise<ScenarioResult> {
  return new NodeScenarioRun(scenario, options).run();
}

interface Life {
  readonly node: ClusterNode;
  readonly process: Process;
  readonly traffic: Traffic;
}

class NodeScenarioRun {
  readonly #scenario: NodeScenario;
  readonly #options: RunNodeOptions;
  readonly #hash = new TraceHash();
  readonly #cluster: NodeCluster;
  readonly #findings: Findings;
  readonly #delivery: DeliveryChecks;
  readonly #sessions: SessionChecks;
  readonly #transports: TransportChecks;
  readonly #random: Random;
  readonly #lives: Life[] = [];
  readonly #faults = new FaultCounts();
  /** Who has not come yet. */
  readonly #late: Set<string>;
  #isCalm = false;
  #hasBegun = false;

  constructor(scenario: NodeScenario, options: RunNodeOptions) {
    this.#scenario = scenario;
    this.#options = options;
    const { seed, late = [] } = scenario;
    this.#late = new Set(late.filter((name) => nodeNames(scenario.nodes).includes(name)));
    const { latency, wire, limits } = scenario.options;
    // Of its own, so that a schedule with fewer faults has the same traffic as far as it can.
    this.#random = new Random(seed ^ 0x5eed);
    this.#cluster = new NodeCluster({
      seed,
      latency,
      wire,
      transportLimits: limits,
      late,
      wrapTransport: (transport, process, id) => this.#watch(transport, process, id),
      wrapLinks: (links, id) => new LinkTap(links, (role) => this.#sessions.watch(id, role)),
      onNode: (node, process) => this.#begin(node, process),
      onLog: (name, line) => this.#trace(`${name} ${line}`),
    });
    const nowMs = (): number => this.#cluster.nowMs;
    this.#findings = new Findings(nowMs);
    const inboxes = new InboxChecks(this.#findings, { ...DEFAULT_LIMITS, ...limits });
    this.#delivery = new DeliveryChecks(this.#findings, nowMs, inboxes);
    this.#sessions = new SessionChecks(this.#findings, this.#delivery, nowMs);
    this.#transports = new TransportChecks(this.#findings);
  }

  async run(): Promise<ScenarioResult> {
    const { seed } = this.#scenario;
    try {
      await this.#play();
    } catch (error) {
      const [line] = String(error).split('\n');
      this.#findings.add(error instanceof Error ? error.name : 'error', line!);
    }
    const { first } = this.#findings;
    this.#traceFrames();
    for (const { invariant, message } of this.#findings.all) this.#trace(`broken: ${invariant}: ${message}`);
    return {
      seed,
      ok: first === undefined,
      violation: first,
      traceHash: this.#hash.digest,
      sometimes: this.#transports.sometimes,
      faults: this.#faults.byKind,
      stats: {
        virtualMs: this.#cluster.nowMs,
        inputs: this.#lives.reduce((sum, { process }) => sum + process.tasks, 0),
        messages: this.#delivery.count,
      },
    };
  }

  async #play(): Promise<void> {
    const { nodes, schedule, runForMs } = this.#scenario;
    const cluster = this.#cluster;
    await cluster.start(...nodeNames(nodes).filter((name) => !this.#late.has(name)));
    this.#hasBegun = true;
    for (const { traffic } of this.#lives) traffic.start();
    this.#tick();
    const startMs = cluster.nowMs;
    for (const { atMs, fault } of schedule) {
      if (atMs > runForMs || !(await this.#goOn(startMs + atMs - cluster.nowMs))) break;
      this.#trace(describeFault(fault));
      if (this.#do(fault)) this.#faults.fault(fault);
    }
    if (!(await this.#goOn(startMs + runForMs - cluster.nowMs))) return;
    if (await this.#calmDown()) await this.#end();
  }

  /** @returns whether it made sense */
  #do(fault: Fault): boolean {
    if (fault.kind === 'restart' && this.#late.delete(fault.node)) {
      this.#cluster.launch(fault.node);
      return true;
    }
    const { drains = false } = this.#scenario.options;
    const leaving = fault.kind === 'leave' && drains ? this.#lifeOf(fault.node) : undefined;
    if (leaving === undefined) return applyToNodes(this.#cluster, fault);
    leaving.process.input(() => void leaving.traffic.drain().then(() => leaving.node.close()));
    return true;
  }

  #lifeOf(name: string): Life | undefined {
    return this.#running().find(({ process }) => process.name === name);
  }

  /** @returns whether all is well until then */
  async #goOn(ms: number): Promise<boolean> {
    return !(await this.#cluster.clock.advanceUntil(
      () => this.#findings.first !== undefined,
      Math.max(0, ms),
    ));
  }

  async #calmDown(): Promise<boolean> {
    const cluster = this.#cluster;
    this.#trace('calm');
    this.#isCalm = true;
    for (const { traffic } of this.#lives) traffic.stop();
    cluster.healAll();
    for (const { process } of this.#lives) {
      process.loop.slowDown(0);
      process.loop.thaw();
    }
    // A probe from before the calm may fail until then, and undo an agreement.
    const probedUntilMs = cluster.nowMs + longestProbeMs(SWIM);
    const giveUpMs = cluster.nowMs + this.#scenario.settleWithinMs;
    while (cluster.nowMs < probedUntilMs || !this.#isSettled()) {
      if (cluster.nowMs > giveUpMs && !this.#isSettled()) return this.#giveUp();
      if (!(await this.#goOn(CALM_STEP_MS))) return false;
    }
    for (const life of this.#running()) this.#askAll(life);
    return this.#goOn(LASTING_MS);
  }

  #isSettled(): boolean {
    return this.#agrees() && this.#delivery.isSettled && this.#isIdle();
  }

  /** Whoever can be asked now answers: nobody waits for anybody else. */
  #askAll({ node, process, traffic }: Life): void {
    for (const { node: other } of this.#running()) {
      if (other === node) continue;
      traffic.ask(other.local).catch((error: unknown) => {
        this.#findings.add(
          'answers',
          `${process.name} got no answer of ${other.local.name} in the calm: ${String(error)}`,
        );
      });
    }
  }

  #giveUp(): boolean {
    if (!this.#agrees()) {
      const views = this.#running().map(
        ({ node, process }) => `${process.name} (${node.status}) sees ${node.activeMembers.length}`,
      );
      this.#findings.add('14', `not all agree although the cluster is calm: ${views.join(', ')}`);
    }
    this.#delivery.finish(() => false);
    this.#transports.look({ isCalm: true });
    return false;
  }

  async #end(): Promise<void> {
    const alive = new Set(this.#running().map(({ node }) => node.local.id));
    this.#delivery.finish((id) => alive.has(id));
    if (!this.#agrees()) this.#findings.add('14', 'the agreement did not last');
    this.#transports.look({ isCalm: true });
    this.#transports.compare();
    this.#checkLoads();
    await this.#cluster.close();
    this.#transports.closed();
    this.#checkLoads();
    await this.#checkRest();
  }

  /** Nobody who lives, or has closed, waits for an answer, runs a handler, or has a call that waits. */
  #checkLoads(): void {
    for (const { node, process } of this.#lives) {
      if (process.end !== 'none') continue;
      const { requestsInFlight, handlersRunning, handlersWaiting } = node.stats;
      if (requestsInFlight + handlersRunning + handlersWaiting === 0) continue;
      this.#findings.add(
        'leak',
        `${process.name} (${node.status}) still has ${requestsInFlight} requests in flight, ${handlersRunning} handlers that run and ${handlersWaiting} calls that wait`,
      );
    }
  }

  /** Nothing goes on in a process whose node has closed. */
  async #checkRest(): Promise<void> {
    const before = this.#lives.map(({ process }) => process.tasks);
    await this.#cluster.advance(REST_MS);
    for (const [index, { process }] of this.#lives.entries()) {
      const more = process.tasks - before[index]!;
      if (more > 0) this.#findings.add('leak', `${process.name} has done ${more} things more after its end`);
    }
  }

  #tick(): void {
    this.#delivery.tick();
    this.#transports.look({ isCalm: false });
    this.#traceFrames();
    if (!this.#isCalm) this.#cluster.clock.setTimer(TICK_MS, () => this.#tick());
  }

  /** Whether everybody who runs holds exactly those who run for alive, and all they tell of themselves. */
  #agrees(): boolean {
    const running = this.#running();
    const locals = running.map(({ node }) => node.local);
    return running.every(
      ({ node }) =>
        node.activeMembers.length === locals.length &&
        locals.every(({ id, metadata, health, healthReason }) => {
          const held = node.member(id);
          return (
            held?.state === 'alive' &&
            held.health === health &&
            held.healthReason === healthReason &&
            sameMetadata(held.metadata, metadata)
          );
        }),
    );
  }

  /** Whether nobody stands still or is about to leave, and everything that came was taken. */
  #isIdle(): boolean {
    return (
      this.#running().every(({ process, node }) => !process.loop.isFrozen && node.status !== 'draining') &&
      this.#transports.complaints({ isCalm: true }).length === 0
    );
  }

  #running(): readonly Life[] {
    return this.#lives.filter(
      ({ node, process }) =>
        this.#cluster.nodes.get(process.name) === node && this.#cluster.isRunning(process.name),
    );
  }

  #watch(transport: SessionTransport, process: Process, id: ClusterNode['local']['id']): Transport {
    this.#transports.add(transport, process);
    const { spoil, spoilInbox } = this.#options;
    const tap = new MessageTap(spoil?.(transport) ?? transport, {
      arrived: (message, give) => this.#delivery.arrived(id, message, give),
      leaves: (to, sendOptions, send) => this.#delivery.leaves(id, to, sendOptions, send),
      forgets: (other) => this.#sessions.forgotten(id, other),
      closes: () => this.#delivery.closes(id),
    });
    return spoilInbox?.(tap) ?? tap;
  }

  #begin(node: ClusterNode, process: Process): void {
    const events = new EventChecks(process.name, node, this.#findings);
    const random = this.#random.fork();
    const checks = { delivery: this.#delivery, events, findings: this.#findings };
    const traffic = new Traffic(node, process, this.#scenario.options.traffic, random, checks);
    node.onEvent((event) => {
      const { type, member } = event;
      this.#trace(`${process.name} ${type} ${member.name} ${member.id} ${member.incarnation}`);
      events.event(event);
      if (type === 'unreachable') this.#delivery.gone(process, member.id);
      else if (type === 'left') this.#delivery.gone(process, member.id, SWIM.leaveTimeoutMs);
    });
    this.#lives.push({ node, process, traffic });
    if (this.#hasBegun && !this.#isCalm) traffic.start();
  }

  /** Two runs that part in what their sessions say have different traces from here on, whatever else they do. */
  #traceFrames(): void {
    const { count, value } = this.#sessions.digest;
    this.#trace(`${count} frames, ${value}`);
  }

  #trace(line: string): void {
    const stamped = `${this.#cluster.nowMs.toFixed(3)} ${line}`;
    this.#hash.add(stamped);
    this.#options.onTrace?.(stamped);
  }
}
