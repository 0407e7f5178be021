import type { Random } from 'clusterpack/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from './facts.js';
import { faultKinds, type FaultKind } from './faults.js';
import type { Fleet } from './fleet.js';
import type { Judge } from './judge.js';

/** Faults are made for so long, then all is healed and the cluster has to agree. */
const ROUND_MS = 20_000;
/** Within which everybody agrees after the last fault is over. */
const AGREE_WITHIN_MS = 60_000;
/** For messages that are on their way, and for what a fault has left behind. */
const SETTLE_MS = 4000;
/** Of the hosts, so many may be disturbed at a time. */
const DISTURBED_SHARE = 0.4;
/** These take a fault's whole round for themselves, so they are drawn less often. */
const RARE: Readonly<Record<string, number>> = { 'rolling-restart': 0.15, 'kill-all': 0.4 };

/** How the nodes of a calm cluster stood, on average. */
export interface Sample {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly resources: number;
  readonly falsePositives: number;
  readonly stalledMs: number;
}

/** What a campaign has seen. */
export interface Outcome {
  readonly rounds: number;
  /** How often each kind of fault was made. */
  readonly faults: Readonly<Record<string, number>>;
  /** Per round, from the end of its last fault until all nodes agreed. */
  readonly agreedMs: readonly number[];
  readonly samples: readonly Sample[];
}

/** Random faults from a seed, round by round; the judge hears of everything. */
export class Campaign {
  readonly #faults: Record<string, number> = {};
  readonly #agreedMs: number[] = [];
  readonly #samples: Sample[] = [];
  #rounds = 0;

  /** @param log gets a line per fault and round */
  constructor(
    readonly fleet: Fleet,
    readonly judge: Judge,
    readonly random: Random,
    readonly kinds: readonly string[],
    readonly log: (line: string) => void,
  ) {}

  /** Ends early when something was found. */
  async run(untilMs: number): Promise<Outcome> {
    await this.#calm();
    while (monotonicMs() < untilMs && this.judge.findings.length === 0) {
      this.#rounds++;
      await this.#round(Math.min(ROUND_MS, untilMs - monotonicMs()));
      await this.#calm();
    }
    return {
      rounds: this.#rounds,
      faults: this.#faults,
      agreedMs: this.#agreedMs,
      samples: this.#samples,
    };
  }

  async #round(ms: number): Promise<void> {
    const endMs = monotonicMs() + ms;
    const { fleet, judge, random } = this;
    const running = new Set<Promise<void>>();
    const disturbed = new Set<string>();
    while (monotonicMs() < endMs) {
      const [name, kind] = this.#draw();
      const free = fleet.hosts.filter((host) => !disturbed.has(host));
      const wanted = kind.hosts === 'all' ? fleet.hosts.length : kind.hosts;
      const isRoom =
        kind.hosts === 'all'
          ? disturbed.size === 0
          : disturbed.size + wanted <= Math.max(wanted, fleet.hosts.length * DISTURBED_SHARE);
      if (isRoom && free.length >= wanted) {
        const hosts = shuffled(free, random).slice(0, wanted);
        const fault = this.#make(name, kind, hosts, disturbed);
        running.add(fault);
        const ended = (): void => void running.delete(fault);
        fault.then(
          ended,
          (error: unknown) => (ended(), judge.findings.push(`${name} failed: ${String(error)}`)),
        );
        if (kind.hosts === 'all') await fault;
      }
      await pause(random.between(500, 3000));
    }
    await Promise.all(running);
  }

  async #make(name: string, kind: FaultKind, hosts: string[], disturbed: Set<string>): Promise<void> {
    this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    this.log(`${name} ${kind.hosts === 'all' ? '' : hosts.join(' ')}`);
    for (const host of hosts) disturbed.add(host);
    const { fleet, judge, random } = this;
    await kind.run({ fleet, judge, hosts, random: random.fork() });
    for (const host of hosts) disturbed.delete(host);
  }

  async #calm(): Promise<void> {
    const { fleet, judge } = this;
    const agreedMs = await fleet.untilAgreed(AGREE_WITHIN_MS);
    this.#agreedMs.push(agreedMs);
    for (const life of fleet.alive) life.process.send({ do: 'traffic', perSecond: 0 });
    await pause(SETTLE_MS);
    judge.calm(monotonicMs());
    const reports = await Promise.all(fleet.alive.map((life) => life.report()));
    const mean = (figure: (report: (typeof reports)[number]) => number): number =>
      reports.reduce((sum, report) => sum + figure(report), 0) / reports.length;
    this.#samples.push({
      atMs: monotonicMs(),
      rssBytes: mean(({ rssBytes }) => rssBytes),
      heapBytes: mean(({ heapBytes }) => heapBytes),
      resources: mean(({ resources }) => resources),
      stalledMs: mean(({ stats }) => stats.stalledMs),
      falsePositives: judge.falsePositives,
    });
    for (const [i, { stats }] of reports.entries()) {
      const { host } = fleet.alive[i]!;
      const words = Object.keys(stats.violations);
      if (words.length > 0) judge.findings.push(`${host} counts violations: ${words.join(', ')}`);
      if (stats.handlerErrors > 0)
        judge.findings.push(`handlers and listeners of ${host} have failed ${stats.handlerErrors} times`);
    }
    const { messagesPerSecond } = fleet.options;
    for (const life of fleet.alive) life.process.send({ do: 'traffic', perSecond: messagesPerSecond });
    this.log(
      `agreed after ${Math.round(agreedMs)} ms; ${judge.accepted} messages, ${judge.findings.length} findings`,
    );
  }

  #draw(): readonly [string, FaultKind] {
    const { kinds, random } = this;
    for (;;) {
      const name = random.pick(kinds);
      if (random.chance(RARE[name] ?? 1)) return [name, faultKinds[name]!];
    }
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  return Array.from({ length: rest.length }, () => rest.splice(random.int(rest.length), 1)[0]!);
}
