import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TestProcess, until } from '../process/processes.js';
import { monotonicMs, type Fact, type ReportFact } from './facts.js';
import type { Network } from './network.js';

const PROGRAM = join(ROOT, 'test/process/fixtures/chaos-node.mjs');
const PORT = 7946;
/** Everybody looks for others at the first so many addresses. */
const SEEDS = 3;
const REPORT_MS = 20_000;
/** Characters kept of a host's former processes. */
const MAX_LOG = 2_000_000;

/** How a fleet's nodes are set up. */
export interface FleetOptions {
  readonly preset: 'lan' | 'wan' | 'local';
  /** Of each node. */
  readonly messagesPerSecond: number;
}

/** One process on a host, from its start to its end; a host that starts again gets another one. */
export class Life {
  /** Its member id, once it is ready. */
  id: string | undefined;
  readonly startedMs = monotonicMs();
  /** When it was told to end, or ended. */
  endedMs: number | undefined;
  readonly #reports = new Map<number, (fact: ReportFact) => void>();
  #tokens = 0;

  constructor(
    readonly host: string,
    readonly process: TestProcess,
  ) {}

  get isAlive(): boolean {
    return this.endedMs === undefined;
  }

  kill(): void {
    this.endedMs ??= monotonicMs();
    this.process.kill('SIGKILL');
  }

  /** Leaves the cluster and ends; resolves when the process has. */
  async leave(): Promise<void> {
    this.process.send({ do: 'leave' });
    await this.process.ended();
    this.endedMs ??= monotonicMs();
  }

  report(): Promise<ReportFact> {
    const token = ++this.#tokens;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#reports.delete(token);
        reject(new Error(`${this.host} does not report\n${this.process.output()}`));
      }, REPORT_MS);
      this.#reports.set(token, (fact) => (clearTimeout(timer), resolve(fact)));
      this.process.send({ do: 'report', token });
    });
  }

  reported(fact: ReportFact): void {
    this.#reports.get(fact.token)?.(fact);
    this.#reports.delete(fact.token);
  }
}

/** All hosts of a campaign and the process on each. */
export class Fleet {
  readonly hosts: readonly string[];
  readonly #lives = new Map<string, Life>();
  /** Of processes that have ended. */
  readonly #outputs = new Map<string, string>();
  readonly #byId = new Map<string, Life>();
  readonly #clusterName = `chaos-${process.pid}`;

  constructor(
    readonly network: Network,
    nodes: number,
    readonly options: FleetOptions,
    readonly told: (by: Life, fact: Fact) => void,
  ) {
    this.hosts = Array.from({ length: nodes }, (_, i) => `n${String(i + 1).padStart(2, '0')}`);
    for (const host of this.hosts) network.add(host);
  }

  /** The latest life of each host that has one. */
  get lives(): Life[] {
    return [...this.#lives.values()];
  }

  get alive(): Life[] {
    return this.lives.filter((life) => life.isAlive);
  }

  /** Ended lives too. */
  byId(id: string): Life | undefined {
    return this.#byId.get(id);
  }

  on(host: string): Life {
    const life = this.#lives.get(host);
    if (life === undefined) throw new Error(`Nothing runs on ${host}`);
    return life;
  }

  /** Starts a node, at the address that its host has had all along, and waits until it is ready. */
  async start(host: string): Promise<Life> {
    const { network, options } = this;
    const order = {
      ...options,
      clusterName: this.#clusterName,
      nodeName: host,
      host: network.address(host),
      port: PORT,
      seedAddresses: this.hosts.slice(0, SEEDS).map((seed) => `${network.address(seed)}:${PORT}`),
    };
    const program = [process.execPath, '--expose-gc', PROGRAM, JSON.stringify(order)];
    const child = TestProcess.connected([...network.command(host), ...program], (fact) =>
      this.#take(life, fact as Fact),
    );
    const before = this.#lives.get(host)?.process.output() ?? '';
    this.#outputs.set(host, ((this.#outputs.get(host) ?? '') + before).slice(-MAX_LOG));
    const life = new Life(host, child);
    this.#lives.set(host, life);
    await until(`${host} is ready`, () => life.id !== undefined || child.exit !== undefined, {
      withinMs: 120_000,
      report: () => child.output(),
    });
    if (life.id === undefined) throw new Error(`${host} ended before it was ready\n${child.output()}`);
    return life;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.hosts.map((host) => this.start(host)));
  }

  /** Waits until every node that lives sees exactly those that live. @returns milliseconds that it took */
  async untilAgreed(withinMs: number): Promise<number> {
    const beganMs = monotonicMs();
    let last = '';
    const look = async (): Promise<boolean> => {
      const alive = this.alive;
      const expected = sorted(alive.map(({ id }) => id!));
      const reports = await Promise.all(alive.map((life) => life.report()));
      const wrong = reports.flatMap(({ active }, i) =>
        sorted(active) === expected ? [] : [`${alive[i]!.host} sees ${active.length}`],
      );
      last = `of ${alive.length}: ${wrong.join(', ')}`;
      return wrong.length === 0;
    };
    await until('all nodes agree', look, { withinMs, report: () => last });
    return monotonicMs() - beganMs;
  }

  /** Writes what each host's process, and the ones before it, have printed. */
  saveLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const host of this.hosts) writeFileSync(join(folder, `${host}.log`), this.#outputs.get(host) ?? '');
    for (const life of this.lives) appendFileSync(join(folder, `${life.host}.log`), life.process.output());
  }

  async close(): Promise<void> {
    await Promise.all(this.lives.map((life) => life.process.close()));
  }

  #take(life: Life, fact: Fact): void {
    if ('ready' in fact) {
      life.id = fact.ready;
      this.#byId.set(fact.ready, life);
    } else if ('token' in fact) {
      life.reported(fact);
    }
    this.told(life, fact);
  }
}

function sorted(ids: readonly string[]): string {
  return [...ids].sort((a, b) => a.localeCompare(b)).join();
}
