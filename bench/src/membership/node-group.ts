import type { SwimOverrides } from 'clusterpack/core';
import { Worker } from '../workers.js';
import { machineMs, pause } from './machine-clock.js';
import type { NodePlace, Verdict } from './watched-node.js';

/** More processes that start at once only wait for each other. */
const STARTED_AT_ONCE = 8;
/** Of each process, where a group joins by and by. */
const JOINED_AT_ONCE = 4;

/** A cluster over several processes. */
export interface GroupOptions {
  readonly processes: number;
  /** In all; they are dealt out evenly. */
  readonly nodes: number;
  readonly swim?: SwimOverrides | undefined;
}

/** One process of a group, with its nodes. */
export class NodeProcess {
  private constructor(
    readonly worker: Worker,
    readonly places: readonly NodePlace[],
  ) {}

  /** Its nodes are bound, and have not joined anybody. */
  static async start(name: string, nodes: number, swim: SwimOverrides | undefined): Promise<NodeProcess> {
    const worker = await Worker.start(name, new URL('./nodes-worker.js', import.meta.url));
    try {
      return new NodeProcess(worker, await worker.ask('bind', { count: nodes, swim }));
    } catch (error) {
      await worker.end();
      throw error;
    }
  }

  /** @param upTo the first so many of its nodes; default: all */
  join(seeds: readonly string[], upTo = this.places.length): Promise<void> {
    return this.worker.ask('join', { seeds, upTo });
  }

  /** By node. */
  verdicts(): Promise<Verdict[][]> {
    return this.worker.ask('verdicts');
  }
}

/** Processes with nodes of one cluster. Whoever starts a group ends it. */
export class NodeGroup {
  readonly #options: GroupOptions;
  #processes: readonly NodeProcess[] = [];
  #started = 0;

  private constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** All nodes are bound, and have not joined. */
  static async start(options: GroupOptions): Promise<NodeGroup> {
    const group = new NodeGroup(options);
    const shares = dealt(options.nodes, options.processes);
    try {
      for (let at = 0; at < shares.length; at += STARTED_AT_ONCE)
        await group.#add(shares.slice(at, at + STARTED_AT_ONCE));
    } catch (error) {
      await group.end();
      throw error;
    }
    return group;
  }

  get processes(): readonly NodeProcess[] {
    return this.#processes;
  }

  get places(): readonly NodePlace[] {
    return this.#processes.flatMap(({ places }) => places);
  }

  /** The addresses of a few nodes, of different processes as far as there are enough. */
  seeds(count: number): readonly string[] {
    const firsts = this.#processes.map(({ places }) => places[0]!);
    return [...firsts, ...this.places.filter((place) => !firsts.includes(place))]
      .slice(0, count)
      .map(({ address }) => address);
  }

  /** One more process with one node, which is bound. */
  async add(): Promise<NodeProcess> {
    await this.#add([1]);
    return this.#processes.at(-1)!;
  }

  /** All nodes join at once. */
  async join(seeds: readonly string[]): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.join(seeds)));
  }

  /**
   * A few nodes of each process join at a time, once those before them hold each other alive: for groups that are too
   * large to join at once.
   *
   * @param withinMs how long each of these steps may take
   */
  async joinByAndBy(seeds: readonly string[], withinMs: number): Promise<void> {
    const most = Math.max(...this.#processes.map(({ places }) => places.length));
    for (let upTo = JOINED_AT_ONCE; upTo < most + JOINED_AT_ONCE; upTo += JOINED_AT_ONCE) {
      await Promise.all(this.#processes.map((process) => process.join(seeds, upTo)));
      await this.#untilHeld(withinMs, 200, upTo);
    }
  }

  /** Forgets a process that has ended or does not answer, or takes it back. */
  without(gone: NodeProcess): void {
    this.#processes = this.#processes.filter((process) => process !== gone);
  }

  with(back: NodeProcess): void {
    this.#processes = [...this.#processes, back];
  }

  /**
   * Waits until every node holds all nodes of the group alive.
   *
   * @returns since when they do, by the machine's clock
   */
  untilComplete(withinMs: number, everyMs = 100): Promise<number> {
    return this.#untilHeld(withinMs, everyMs, Number.POSITIVE_INFINITY);
  }

  /**
   * Waits until every node has held a member unreachable at some time since a moment.
   *
   * @returns the first time of each, by the machine's clock, in order
   */
  untilUnreachable(about: string, sinceMs: number, withinMs: number): Promise<readonly number[]> {
    return this.#until('all hold the victim unreachable', withinMs, 100, async () => {
      const verdicts = (await this.#askAll<Verdict[][]>('verdicts')).flat();
      const first = verdicts.map(
        (ofNode) => ofNode.find((verdict) => verdict.about === about && verdict.atMs >= sinceMs)?.atMs,
      );
      return first.includes(undefined) ? undefined : (first as number[]).toSorted((a, b) => a - b);
    });
  }

  async end(): Promise<void> {
    const processes = this.#processes;
    this.#processes = [];
    await Promise.all(processes.map(({ worker }) => worker.end()));
  }

  async #add(shares: readonly number[]): Promise<void> {
    const { swim } = this.#options;
    const started = await Promise.allSettled(
      shares.map((nodes) => NodeProcess.start(`nodes ${++this.#started}`, nodes, swim)),
    );
    const failed: unknown[] = [];
    for (const outcome of started) {
      if (outcome.status === 'fulfilled') this.with(outcome.value);
      else failed.push(outcome.reason);
    }
    if (failed.length > 0) throw failed[0];
  }

  #untilHeld(withinMs: number, everyMs: number, upTo: number): Promise<number> {
    const members = this.#processes.reduce((sum, { places }) => sum + Math.min(upTo, places.length), 0);
    return this.#until(`all hold ${members} members alive`, withinMs, everyMs, async () => {
      const since = await this.#askAll<number | undefined>('completeSince', { members, upTo });
      return since.includes(undefined) ? undefined : Math.max(...(since as number[]));
    });
  }

  async #until<T>(
    what: string,
    withinMs: number,
    everyMs: number,
    look: () => Promise<T | undefined>,
  ): Promise<T> {
    const endMs = machineMs() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (machineMs() >= endMs) throw new Error(`Waited ${withinMs} ms in vain until ${what}`);
      await pause(everyMs);
    }
  }

  #askAll<T>(command: string, argument?: unknown): Promise<T[]> {
    return Promise.all(this.#processes.map(({ worker }) => worker.ask<T>(command, argument)));
  }
}

/** As even as can be. */
function dealt(nodes: number, processes: number): readonly number[] {
  const least = Math.floor(nodes / processes);
  return Array.from({ length: processes }, (_, index) => least + (index < nodes % processes ? 1 : 0));
}
