import { quantile } from '../statistics.js';
import { Worker } from '../workers.js';
import type { Load, Yield } from './contender.js';

/** One measurement of one contender. */
export interface Measured {
  readonly perSecond: number;
  /** Processor time of both processes, microseconds an operation. */
  readonly cpuUs: number;
  /** Microseconds; not a number unless one was in flight at a time. */
  readonly p50Us: number;
  readonly p99Us: number;
}

const WORKER = new URL('./worker.js', import.meta.url);

/** The two processes of a contender. */
export class Pair {
  private constructor(
    readonly server: Worker,
    readonly client: Worker,
  ) {}

  /** @param worker the module of both: it answers `serve`, `connect` and `load`, and is told the name */
  static async start(name: string, worker = WORKER): Promise<Pair> {
    const server = await Worker.start(`${name}, serving`, worker, [name]);
    try {
      const where = await server.ask('serve');
      const client = await Worker.start(`${name}, calling`, worker, [name]);
      const pair = new Pair(server, client);
      await client.ask('connect', where);
      return pair;
    } catch (error) {
      await server.end();
      throw error;
    }
  }

  async measure(load: Load): Promise<Measured> {
    const before = await this.#cpu();
    const { operations, elapsedMs, latenciesUs } = await this.client.ask<Yield>('load', load);
    const spentUs = (await this.#cpu()) - before;
    const sorted = latenciesUs.toSorted();
    return {
      perSecond: (operations / elapsedMs) * 1000,
      cpuUs: spentUs / operations,
      p50Us: sorted.length > 0 ? quantile(sorted, 0.5) : Number.NaN,
      p99Us: sorted.length > 0 ? quantile(sorted, 0.99) : Number.NaN,
    };
  }

  async end(): Promise<void> {
    await Promise.all([this.server.end(), this.client.end()]);
  }

  async #cpu(): Promise<number> {
    return (await this.server.cpu()) + (await this.client.cpu());
  }
}
