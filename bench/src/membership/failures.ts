import type { SwimOverrides } from 'clusterpack/core';
import { Condemned } from './condemned.js';
import { machineMs, pause } from './machine-clock.js';
import { NodeGroup, type NodeProcess } from './node-group.js';

const JOIN_WITHIN_MS = 60_000;
const DETECT_WITHIN_MS = 60_000;

/** One node per process, one of which fails, again and again. */
export interface FailureOptions {
  readonly nodes: number;
  readonly failures: number;
  /** Between two failures; up to one and a half times as long, so that they come at any time of a round. */
  readonly restMs: number;
  readonly swim?: SwimOverrides | undefined;
  readonly tell: (line: string) => void;
}

/** What failures came to: a figure for each, in milliseconds. */
export interface FailureTimes {
  /** Until the first survivor held the victim unreachable. */
  readonly first: readonly number[];
  /** Until the last one did. */
  readonly last: readonly number[];
  /** Until all held each other alive again: with a fresh process, or with the one that goes on. */
  readonly restored: readonly number[];
  /** Times that a member was held unreachable that had neither been killed nor stopped. */
  readonly mistakes: number;
}

/** Kills a process, starts another in its place. */
export function killed(options: FailureOptions): Promise<FailureTimes> {
  return new Failures(options).run(async (group, victim, seeds) => {
    await victim.worker.end();
    const before = machineMs();
    const fresh = await group.add();
    await fresh.join(seeds);
    return before;
  }, 'SIGKILL');
}

/** Stops a process, lets it go on. */
export function stopped(options: FailureOptions): Promise<FailureTimes> {
  return new Failures(options).run((group, victim, _seeds, condemned) => {
    const before = condemned.pardon(victim.places[0]!.id);
    victim.worker.signal('SIGCONT');
    group.with(victim);
    return Promise.resolve(before);
  }, 'SIGSTOP');
}

/** Makes the group whole again; returns when it began to. */
type Restore = (
  group: NodeGroup,
  victim: NodeProcess,
  seeds: readonly string[],
  condemned: Condemned,
) => Promise<number>;

class Failures {
  readonly #options: FailureOptions;
  readonly #condemned = new Condemned();
  readonly #first: number[] = [];
  readonly #last: number[] = [];
  readonly #restored: number[] = [];
  #mistakes = 0;

  constructor(options: FailureOptions) {
    this.#options = options;
  }

  async run(restore: Restore, signal: 'SIGKILL' | 'SIGSTOP'): Promise<FailureTimes> {
    const { nodes, failures, swim } = this.#options;
    const group = await NodeGroup.start({ processes: nodes, nodes, swim });
    try {
      const seeds = group.seeds(1);
      await group.join(seeds);
      await group.untilComplete(JOIN_WITHIN_MS);
      while (this.#last.length < failures) await this.#fail(group, seeds, restore, signal);
      for (const process of group.processes) await this.#count(process);
    } finally {
      await group.end();
    }
    return { first: this.#first, last: this.#last, restored: this.#restored, mistakes: this.#mistakes };
  }

  /** The first process is spared: it is the seed of those that come. */
  async #fail(
    group: NodeGroup,
    seeds: readonly string[],
    restore: Restore,
    signal: 'SIGKILL' | 'SIGSTOP',
  ): Promise<void> {
    const { restMs, nodes, tell } = this.#options;
    await pause(restMs * (1 + Math.random() / 2));
    const { processes } = group;
    const victim = processes[1 + Math.floor(Math.random() * (processes.length - 1))]!;
    if (signal === 'SIGKILL') await this.#count(victim);
    const { id } = victim.places[0]!;
    try {
      const atMs = this.#condemned.add(id);
      victim.worker.signal(signal);
      group.without(victim);
      const times = await group.untilUnreachable(id, atMs, DETECT_WITHIN_MS);
      this.#first.push(times[0]! - atMs);
      this.#last.push(times.at(-1)! - atMs);
      tell(
        `${signal}, ${nodes} nodes: first ${Math.round(times[0]! - atMs)} ms, last ${Math.round(times.at(-1)! - atMs)} ms`,
      );
      const fromMs = await restore(group, victim, seeds, this.#condemned);
      this.#restored.push((await group.untilComplete(JOIN_WITHIN_MS)) - fromMs);
    } finally {
      if (!group.processes.includes(victim)) await victim.worker.end();
    }
  }

  async #count(process: NodeProcess): Promise<void> {
    for (const verdicts of await process.verdicts()) this.#mistakes += this.#condemned.mistakes(verdicts);
  }
}
