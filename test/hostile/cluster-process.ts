import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../src/address.js';
import type { NodeStats } from '../../src/cluster/node-stats.js';
import type { NodeId } from '../../src/node-id.js';

const FIXTURE = fileURLToPath(new URL('./fixtures/cluster.mjs', import.meta.url));
/** A process that does not answer for so long hangs. */
const ANSWER_MS = 20_000;
const START_MS = 30_000;

/** A node of the cluster under attack. */
export interface Victim {
  readonly id: NodeId;
  readonly name: string;
  readonly address: Address;
}

/** What the process tells of itself at one moment. */
export interface Report {
  /** What the three said about each other; `strangersJoined`: about anybody else. */
  readonly events: Readonly<
    Record<'suspected' | 'recovered' | 'unreachable' | 'left' | 'strangersJoined', number>
  >;
  readonly told: readonly string[];
  /** Rejections and exceptions that nobody handled. */
  readonly strays: readonly string[];
  readonly log: {
    readonly lines: number;
    readonly errors: readonly string[];
    readonly warnings: number;
    readonly kept: readonly string[];
    readonly words: Readonly<Record<string, number>>;
  };
  readonly failures: Readonly<Record<string, number>>;
  readonly messages: Readonly<
    Record<
      | 'sent'
      | 'acknowledged'
      | 'refused'
      | 'uncertain'
      | 'received'
      | 'doubled'
      | 'unordered'
      | 'underway'
      | 'owed',
      number
    >
  >;
  readonly requests: Readonly<Record<'asked' | 'answered' | 'wrong' | 'failed' | 'underway', number>>;
  /** Of the event loop, by `monitorEventLoopDelay`. */
  readonly delays: Readonly<
    Record<'windows' | 'p99Ms' | 'medianWindowMs' | 'worstWindowMs' | 'maxMs', number>
  >;
  readonly nodes: readonly {
    readonly id: NodeId;
    readonly status: string;
    readonly members: number;
    readonly seesAll: boolean;
    readonly stats: NodeStats;
  }[];
}

/** In MiB, after collections. */
export interface Memory {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
  readonly buffers: number;
}

/** The first measurement, which the last one is compared with. */
export interface Start extends Report {
  readonly memory: Memory;
}

/** After all nodes have closed. */
export interface Finish extends Start {
  /** What could still keep the process. */
  readonly handles: readonly string[];
}

/** The cluster under attack: three nodes in a process of their own (fixtures/cluster.mjs). */
export class ClusterProcess {
  readonly members: readonly Victim[] = [];
  #output = '';
  #exit: string | undefined;
  /** By what was asked for; answers come in the order of the questions. */
  readonly #waiting = new Map<string, ((answer: unknown) => void)[]>();

  private constructor(private readonly child: ChildProcess) {
    const keep = (text: string): void => void (this.#output = (this.#output + text).slice(-20_000));
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    child.on('message', (message: { what: string }) => {
      this.#waiting.get(message.what)?.shift()?.(message);
    });
    child.once('close', (code, signal) => {
      this.#exit = `code ${code}, signal ${signal}`;
      for (const settle of [...this.#waiting.values()].flat()) settle(undefined);
    });
  }

  /** @param options further options of each node, for example `security` */
  static async start(
    clusterName: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<ClusterProcess> {
    const { JEST_WORKER_ID: _jest, NODE_ENV: _env, ...environment } = process.env;
    const child = spawn(process.execPath, ['--expose-gc', FIXTURE, clusterName], {
      env: { ...environment, HOSTILE_OPTIONS: JSON.stringify(options) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const cluster = new ClusterProcess(child);
    const ready = await cluster.#answer<{ members: Victim[] }>('ready', START_MS);
    Object.assign(cluster, { members: ready.members });
    return cluster;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  get pid(): number {
    return this.child.pid!;
  }

  report(): Promise<Report> {
    return this.#ask('report');
  }

  /** Begins to measure: event-loop delays from here on, memory now. */
  start(): Promise<Start> {
    return this.#ask('start');
  }

  /** Closes the nodes. The process ends by itself then, if nothing keeps it. */
  async finish(): Promise<Finish & { readonly ended: boolean }> {
    const finish = await this.#ask<Finish>('finish', 2 * ANSWER_MS);
    const endMs = performance.now() + ANSWER_MS;
    while (this.isRunning && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return { ...finish, ended: !this.isRunning };
  }

  /** Ends it, if it is still there. */
  kill(): void {
    if (this.isRunning) this.child.kill('SIGKILL');
  }

  async #ask<T>(what: string, withinMs = ANSWER_MS): Promise<T> {
    if (this.isRunning) this.child.send({ ask: what });
    return this.#answer(what, withinMs);
  }

  #answer<T>(what: string, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (problem: string): void =>
        reject(new Error(`The cluster's process ${problem} (asked for "${what}")\n${this.#output}`));
      if (!this.isRunning) return fail(`has ended: ${this.#exit}`);
      const timer = setTimeout(() => fail(`gave no answer within ${withinMs} ms: it hangs`), withinMs);
      const settle = (answer: unknown): void => {
        clearTimeout(timer);
        if (answer === undefined) fail(`has ended: ${this.#exit}`);
        else resolve(answer as T);
      };
      const others = this.#waiting.get(what);
      if (others === undefined) this.#waiting.set(what, [settle]);
      else others.push(settle);
    });
  }
}
