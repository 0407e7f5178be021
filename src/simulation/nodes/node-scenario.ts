import type { TransportLimits } from '../../transport/session/limits.js';
import type { Latency } from '../network/latency.js';
import { Random } from '../random.js';
import type { Fault, ScheduledFault } from '../scenarios/fault.js';
import { nodeNames } from '../scenarios/scenario.js';
import type { TrafficProfile } from './traffic.js';

/** What the nodes of a scenario are made of. */
export interface NodeScenarioOptions {
  readonly latency: Latency;
  /** Sends frames as bytes. */
  readonly wire?: boolean | undefined;
  readonly limits: Partial<TransportLimits>;
  readonly traffic: TrafficProfile;
  /** Whoever leaves drains first. Default: false. */
  readonly drains?: boolean | undefined;
}

/**
 * A cluster of whole nodes, what they send, and all that happens to them, as data. It runs so: the nodes start and find
 * each other, send at random while the faults come at their times, then it becomes calm: nobody sends any more, all is
 * healed, who stands still goes on, who is dead stays dead; and within a bound everything must have settled.
 */
export interface NodeScenario {
  /** Tells it from a scenario of the protocol alone, in a file too. */
  readonly kind: 'nodes';
  readonly seed: number;
  readonly nodes: number;
  /** Who is not there in the beginning: the first `restart` of each starts it. Default: nobody. */
  readonly late?: readonly string[] | undefined;
  readonly options: NodeScenarioOptions;
  /** In the order of time. */
  readonly schedule: readonly ScheduledFault[];
  /** When calm comes, in virtual milliseconds since the cluster has found together. */
  readonly runForMs: number;
  /** How long it may take until all agree and everything has settled, in virtual milliseconds. */
  readonly settleWithinMs: number;
}

/** What may be asked of a generated scenario. */
export interface GenerateNodeOptions {
  /** The least and the most nodes. Default: 3 to 8. */
  readonly nodes?: readonly [number, number] | undefined;
}

const KIB = 1024;
const SETTLE_WITHIN_MS = 300_000;

/** Draws a scenario. All follows from the seed and the given range of sizes. */
export function generateNodeScenario(
  seed: number,
  { nodes: [min, max] = [3, 8] }: GenerateNodeOptions = {},
): NodeScenario {
  const random = new Random(seed).fork();
  // Small clusters are where the corners are, so they are drawn more often.
  const nodes = Math.min(max, Math.floor(min * ((max + 1) / min) ** random.next()));
  const spanMs = Math.round(30_000 * 4 ** (random.next() ** 2));
  const stage = new NodeStage(random.fork(), nodeNames(nodes), spanMs);
  for (let left = 2 + random.int(11); left > 0; left--) random.pick(TROUBLES)(stage);
  const options = drawOptions(random, nodes);
  // Drawn last, so that what was drawn before stays what it was for the same seed.
  const late = drawLate(stage, random.fork());
  const drains = random.chance(0.3) ? true : undefined;
  if (drains === true) putLeaves(stage);
  const memory = drawMemory(stage, random.fork());
  return {
    kind: 'nodes',
    seed,
    nodes,
    late: late.length === 0 ? undefined : late,
    options: { ...options, limits: { ...options.limits, ...memory }, drains },
    schedule: stage.schedule,
    runForMs: spanMs,
    settleWithinMs: SETTLE_WITHIN_MS,
  };
}

/** Some nodes come when the others are at work. Two at least are there from the start. */
function drawLate(stage: NodeStage, random: Random): readonly string[] {
  if (random.chance(0.6)) return [];
  const late = stage.names.slice(2).filter(() => random.chance(0.4));
  for (const node of late) stage.put(Math.round(random.int(stage.spanMs)), { kind: 'restart', node });
  return late;
}

/** Where leaving is more than a moment, more of them leave. */
function putLeaves(stage: NodeStage): void {
  for (let left = stage.random.int(4); left > 0; left--) {
    const node = stage.anyone;
    stage.during(2000, 20_000, { kind: 'leave', node }, { kind: 'restart', node });
  }
}

/**
 * Nodes that keep few sessions of lost members, or none, and single ones that are cut off for about as long as it takes
 * to be given up: the others then have forgotten sessions in which that one still waits for acknowledgements.
 */
function drawMemory(stage: NodeStage, random: Random): Partial<TransportLimits> {
  if (random.chance(0.5)) return {};
  for (let times = 1 + random.int(3); times > 0; times--) {
    const node = stage.anyone;
    const groups = [[node], stage.names.filter((name) => name !== node)];
    stage.during(2000, 10_000, { kind: 'partition', groups }, { kind: 'heal-all' });
  }
  return { lostSessions: random.pick([0, 0, 1]) };
}

function partsOf(stage: NodeStage): string[][] {
  const groups: string[][] = [[], []];
  for (const name of stage.names) groups[stage.random.int(2)]!.push(name);
  return groups;
}

function drawOptions(random: Random, nodes: number): NodeScenarioOptions {
  const slowMs = random.between(5, 1500);
  const isSmall = random.chance(0.75);
  return {
    latency: { minMs: 0.1, maxMs: random.pick([0.2, 2, 2, 20, 60]) },
    wire: random.chance(0.3) ? true : undefined,
    limits: isSmall
      ? {
          windowMessages: 4 + random.int(28),
          windowBytes: random.pick([64, 300, 600]) * KIB,
          reassemblyBytes: random.pick([1, 4, 64]) * KIB * KIB,
          sendQueueMessages: 8 + random.int(56),
        }
      : {},
    traffic: {
      meanGapMs: Math.round(nodes * random.between(50, 250)),
      slowShare: random.pick([0, 0.05, 0.3]),
      slowMs: Math.round(slowMs),
      largeShare: random.pick([0, 0.005, 0.05]),
      burstShare: random.pick([0, 0.02, 0.06]),
      reader: random.chance(0.3),
    },
  };
}

/** Where a scenario's faults are put down. */
class NodeStage {
  readonly #faults: ScheduledFault[] = [];

  constructor(
    readonly random: Random,
    readonly names: readonly string[],
    readonly spanMs: number,
  ) {}

  get schedule(): readonly ScheduledFault[] {
    return this.#faults.filter(({ atMs }) => atMs < this.spanMs).sort((a, b) => a.atMs - b.atMs);
  }

  get anyone(): string {
    return this.random.pick(this.names);
  }

  get pair(): readonly [string, string] {
    const from = this.anyone;
    return [from, this.random.pick(this.names.filter((name) => name !== from))];
  }

  moment(): number {
    return Math.round(this.random.int(this.spanMs));
  }

  /** A duration: short ones as often as long ones. */
  lasting(minMs: number, maxMs: number): number {
    return Math.round(minMs * (maxMs / minMs) ** this.random.next());
  }

  put(atMs: number, fault: Fault): void {
    this.#faults.push({ atMs, fault });
  }

  /** A fault, and what undoes it after a while. */
  during(minMs: number, maxMs: number, fault: Fault, undo: Fault): void {
    const atMs = this.moment();
    this.put(atMs, fault);
    this.put(atMs + this.lasting(minMs, maxMs), undo);
  }
}

/** Each is one kind of trouble. Frequent ones stand here more than once. */
const TROUBLES: readonly ((stage: NodeStage) => void)[] = [
  ...['crash', 'power-off', 'leave'].map((kind) => (stage: NodeStage): void => {
    const node = stage.anyone;
    stage.during(5, 30_000, { kind: kind as 'crash', node }, { kind: 'restart', node });
  }),
  (stage) => stage.put(stage.moment(), { kind: 'restart', node: stage.anyone }),
  (stage) => {
    const [from, to] = stage.pair;
    stage.during(50, 20_000, { kind: 'cut', from, to }, { kind: 'heal', from, to });
  },
  (stage) => {
    const [a, b] = stage.pair;
    const downMs = stage.lasting(20, 4000);
    stage.put(stage.moment(), {
      kind: 'flap',
      a,
      b,
      downMs,
      upMs: stage.lasting(20, 4000),
      times: 1 + stage.random.int(5),
    });
  },
  (stage) => {
    stage.during(100, 40_000, { kind: 'partition', groups: partsOf(stage) }, { kind: 'heal-all' });
  },
  ...[lose, lose, lose],
  (stage) => {
    const node = stage.anyone;
    stage.during(50, 20_000, { kind: 'pause', node }, { kind: 'resume', node });
  },
  ...(['stall', 'stall', 'suspend'] as const).map((kind) => (stage: NodeStage): void => {
    stage.put(stage.moment(), { kind, node: stage.anyone, ms: stage.lasting(20, 8000) });
  }),
  (stage) => {
    const node = stage.anyone;
    const callbackMs = stage.lasting(1, 20) / 10;
    stage.during(
      100,
      5000,
      { kind: 'slow-loop', node, callbackMs },
      { kind: 'slow-loop', node, callbackMs: 0 },
    );
  },
  (stage) => {
    const [from, to] = stage.random.chance(0.3) ? [undefined, undefined] : stage.pair;
    const latency = { minMs: stage.lasting(1, 50), maxMs: stage.lasting(50, 1500) };
    stage.during(
      100,
      20_000,
      { kind: 'delay', latency, from, to },
      { kind: 'delay', latency: { minMs: 0.5, maxMs: 1 }, from, to },
    );
  },
  (stage) => {
    const node = stage.anyone;
    const rule = stage.random.pick(['refuse', 'drop'] as const);
    stage.during(
      100,
      20_000,
      { kind: 'answer-dials', node, rule },
      { kind: 'answer-dials', node, rule: 'allow' },
    );
  },
  (stage) =>
    stage.put(stage.moment(), { kind: 'set-metadata', node: stage.anyone, metadata: { at: stage.moment() } }),
  (stage) =>
    stage.put(stage.moment(), { kind: 'shift-clock', node: stage.anyone, ms: stage.lasting(10, 3_600_000) }),
];

/** Connections break, at times one after the other. */
function lose(stage: NodeStage): void {
  const [from, to] = stage.random.chance(0.3) ? [undefined, undefined] : stage.pair;
  const share = stage.lasting(2, 300) / 1000;
  stage.during(50, 20_000, { kind: 'lose', share, from, to }, { kind: 'lose', share: 0, from, to });
}

/** What a scenario's cluster is, on one line. */
export function describeNodes({ nodes, late = [], options, runForMs }: NodeScenario): string {
  const { latency, wire, limits, traffic, drains } = options;
  const what = [
    `${nodes} whole nodes`,
    ...(late.length > 0 ? [`${late.join(' ')} late`] : []),
    `frames take ${latency.minMs} to ${latency.maxMs} ms${wire === true ? ' as bytes' : ''}`,
    ...(drains === true ? ['who leaves drains'] : []),
    ...(Object.keys(limits).length > 0 ? [`limits ${JSON.stringify(limits)}`] : []),
    `traffic ${JSON.stringify(traffic)}`,
  ];
  return `${what.join(', ')}; calm at ${(runForMs / 1000).toFixed(3)} s`;
}
