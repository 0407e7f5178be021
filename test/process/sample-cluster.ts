import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PATIENCE_MS, ROOT, TestProcess, until } from './processes.js';

const MAIN = join(ROOT, 'sample-app/dist/main.js');
const HOST = '127.0.0.1';

/** A member as the HTTP interface shows it. */
export interface MemberJson {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly state: string;
  readonly incarnation: number;
  readonly metadata: Record<string, unknown>;
}

/** A server-sent event, and when it arrived here: the one clock of all nodes of a test. */
export interface SeenEvent {
  readonly type: string;
  readonly member: MemberJson;
  readonly at: number;
  readonly seenMs: number;
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A running process of sample-app. */
export class SampleNode {
  readonly events: SeenEvent[] = [];
  private readonly stream = new AbortController();

  private constructor(
    readonly name: string,
    readonly process: TestProcess,
    readonly id: string,
    readonly address: string,
    readonly url: string,
  ) {}

  /** Waits for the ready line, then listens to the node's events. */
  static async ready(name: string, process: TestProcess): Promise<SampleNode> {
    const line = await until(
      `${name} is ready`,
      () => process.exit !== undefined || firstLine(process.stdout),
      {
        report: () => process.output(),
      },
    );
    if (line === true) throw new Error(`${name} ended before it was ready\n${process.output()}`);
    const { http, cluster, id } = JSON.parse(line) as { http: number; cluster: string; id: string };
    const node = new SampleNode(name, process, id, cluster, `http://${HOST}:${http}`);
    await node.listen();
    return node;
  }

  get port(): number {
    return Number(this.address.slice(this.address.lastIndexOf(':') + 1));
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async members(query = ''): Promise<MemberJson[]> {
    return (await this.call('GET', `/members${query}`)).body as MemberJson[];
  }

  /** Waits until this node sees exactly these nodes as alive, itself included. */
  async untilSees(nodes: readonly SampleNode[]): Promise<void> {
    const expected = nodes
      .map((node) => `${node.id} alive`)
      .toSorted()
      .join();
    let seen = '';
    const look = async () => {
      seen = (await this.members())
        .map((member) => `${member.id} ${member.state}`)
        .toSorted()
        .join();
      return seen === expected;
    };
    await until(`${this.name} sees ${nodes.map((node) => node.name).join(', ')}`, look, {
      report: () => `It sees ${seen}\n${this.journal()}`,
    });
  }

  /** Waits for an event about a node. */
  untilEvent(
    type: string,
    about: { readonly id: string; readonly name: string },
    sinceMs = 0,
  ): Promise<SeenEvent> {
    const isIt = (event: SeenEvent) =>
      event.type === type && event.member.id === about.id && event.seenMs >= sinceMs;
    return until(`${this.name} sees ${about.name} ${type}`, () => this.events.find(isIt), {
      report: () => this.journal(),
    });
  }

  /** Types of the events about a node, in order. */
  eventsAbout(about: { readonly id: string }): string[] {
    return this.events.filter((event) => event.member.id === about.id).map((event) => event.type);
  }

  /** Kills, stops or continues the process. */
  signal(signal: NodeJS.Signals): number {
    this.process.kill(signal);
    return performance.now();
  }

  async close(): Promise<void> {
    this.stream.abort();
    await this.process.close();
  }

  private async listen(): Promise<void> {
    const response = await fetch(`${this.url}/events`, { signal: this.stream.signal });
    const read = async () => {
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body!) {
        const blocks = (text + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) this.take(block);
      }
    };
    // It ends with its process, or with this test.
    read().catch(() => {});
  }

  private take(block: string): void {
    const data = block.split('\n').find((line) => line.startsWith('data: '));
    if (data === undefined) return;
    const event = JSON.parse(data.slice('data: '.length)) as Omit<SeenEvent, 'seenMs'>;
    this.events.push({ ...event, seenMs: performance.now() });
  }

  private journal(): string {
    const events = this.events.map(
      (event) => `${Math.round(event.seenMs)} ms ${event.type} ${event.member.name}`,
    );
    return `--- events at ${this.name} ---\n${events.join('\n')}\n${this.process.output()}`;
  }
}

/** Sample nodes of one test; `close()` in `afterEach` ends them all. */
export class SampleCluster {
  readonly name = `test-${randomBytes(4).toString('hex')}`;
  private processes: TestProcess[] = [];
  private nodes: SampleNode[] = [];

  /** Variables that all nodes get. */
  constructor(private readonly environment: NodeJS.ProcessEnv = {}) {}

  /** Starts a node that tries the given ones, and waits until it is ready. */
  async start(name: string, seeds: readonly SampleNode[] = [], environment: NodeJS.ProcessEnv = {}) {
    const process = this.spawn(name, {
      CLUSTER_SEEDS: seeds.map((seed) => seed.address).join(','),
      ...environment,
    });
    const node = await SampleNode.ready(name, process);
    this.nodes.push(node);
    return node;
  }

  /** Starts nodes of which the first is the seed of the others, and waits until all see all. */
  async startAll(names: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<SampleNode[]> {
    const first = await this.start(names[0]!, [], environment);
    const others = await Promise.all(names.slice(1).map((name) => this.start(name, [first], environment)));
    const all = [first, ...others];
    await Promise.all(all.map((node) => node.untilSees(all)));
    return all;
  }

  /** Starts a node without waiting: for those that are not going to be ready. */
  spawn(name: string, environment: NodeJS.ProcessEnv): TestProcess {
    const process = TestProcess.node([MAIN], {
      NODE_NAME: name,
      CLUSTER_NAME: this.name,
      CLUSTER_PORT: '0',
      CLUSTER_PRESET: 'local',
      ...this.environment,
      ...environment,
    });
    this.processes.push(process);
    return process;
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes, ...this.processes].map((each) => each.close()));
    this.nodes = [];
    this.processes = [];
  }
}

function firstLine(text: string): string | undefined {
  const end = text.indexOf('\n');
  return end === -1 ? undefined : text.slice(0, end);
}
