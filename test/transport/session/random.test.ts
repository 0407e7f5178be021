import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../src/simulation/random.js';
import type { IncomingMessage } from '../../../src/transport/transport.js';
import { Transports, type Outcome, type RecordedNode } from '../cluster-of-transports.js';

/** One message of a run, and what its sender was told. */
interface Sent {
  readonly number: number;
  readonly from: RecordedNode;
  readonly stream: number;
  readonly free: boolean;
  readonly outcome: Outcome;
}

const KIB = 1024;
const LIMITS = {
  windowMessages: 8,
  windowBytes: 600 * KIB,
  reassemblyBytes: 4000 * KIB,
  sendQueueMessages: 200,
};

/** Small ones mostly, some in several chunks, a few that need a permit. The first four bytes number them. */
function payload(random: Random, number: number): Uint8Array {
  const kind = random.next();
  const size =
    kind < 0.85 ? 4 + random.int(200) : kind < 0.95 ? random.int(300 * KIB) + 4 : random.int(1500 * KIB) + 4;
  const bytes = new Uint8Array(size).fill(number & 0xff);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function numberOf(message: IncomingMessage): number {
  const { payload: bytes } = message;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** A run of two nodes over a network that does its worst, until everything has settled. */
class Run {
  readonly sent: Sent[] = [];
  readonly taken: IncomingMessage[] = [];
  readonly refused = new Set<number>();
  readonly aborts: AbortController[] = [];
  forgot = false;

  constructor(
    readonly random: Random,
    readonly cluster: Transports,
    readonly a: RecordedNode,
    readonly b: RecordedNode,
  ) {
    for (const node of [a, b]) {
      node.takes = (message) => {
        if (random.chance(0.05)) {
          this.refused.add(numberOf(message));
          return 'no-receiver';
        }
        this.taken.push(message);
        return 'held';
      };
    }
  }

  static async start(seed: number): Promise<Run> {
    const random = new Random(seed);
    const cluster = new Transports(seed + 1, {
      delay: { minMs: 0.1, maxMs: random.between(1, 40) },
      lossPerFrame: random.chance(0.5) ? 0.003 : 0,
      healLagMs: random.chance(0.3) ? 3000 : 0,
    });
    const options = { limits: LIMITS, deadlines: { routeMs: 60_000 }, wire: random.chance(0.5) };
    return new Run(random, cluster, await cluster.node('a', options), await cluster.node('b', options));
  }

  /** One random thing happens. */
  async step(mayForget: boolean): Promise<void> {
    const { random, cluster } = this;
    const dice = random.next();
    if (dice < 0.7) this.send();
    else if (dice < 0.8) this.release();
    else if (dice < 0.85) random.pick(this.aborts)?.abort();
    else if (dice < 0.88) cluster.network.breakLinks('a', 'b');
    else if (dice < 0.89) cluster.network.cutOneWay('a', 'b');
    else if (dice < 0.9) cluster.network.cutOneWay('b', 'a');
    else if (dice < 0.95) cluster.network.heal();
    else if (dice < 0.96) this.a.transport.reset(this.b.id);
    else if (dice < 0.97) this.b.cast(this.a, 'hello', 'fresh');
    else if (dice < 0.975 && mayForget) {
      this.forgot = true;
      this.a.transport.forget(this.b.id, 'unreachable');
    }
    await cluster.run(random.chance(0.6) ? 0 : random.between(0, 60));
  }

  /** The network is well again, and readers take everything. */
  async settle(): Promise<void> {
    this.cluster.network.lossPerFrame = 0;
    this.cluster.network.heal();
    for (let round = 0; round < 60; round++) {
      for (const message of this.taken) message.release();
      await this.cluster.run(500);
    }
  }

  send(): void {
    const { random } = this;
    const [from, to] = random.chance(0.5) ? [this.a, this.b] : [this.b, this.a];
    const number = this.sent.length;
    const stream = random.int(3);
    const free = random.chance(0.2);
    const controller = new AbortController();
    if (random.chance(0.2)) this.aborts.push(controller);
    const bytes = payload(random, number);
    const outcome = from.send(to, bytes, { stream, free, signal: controller.signal });
    this.sent.push({ number, from, stream, free, outcome });
  }

  release(): void {
    for (const message of this.taken.splice(0, this.random.int(20))) message.release();
  }

  /** What is wrong with what happened. */
  complaints(): string[] {
    const found: string[] = [];
    const count = new Map<number, number>();
    for (const node of [this.a, this.b]) {
      const last = new Map<string, number>();
      for (const message of node.received) {
        const number = numberOf(message);
        const { stream, free } = this.sent[number]!;
        count.set(number, (count.get(number) ?? 0) + 1);
        const line = `${stream} ${free}`;
        if ((last.get(line) ?? -1) >= number)
          found.push(`${number} came after ${last.get(line)} on stream ${line}`);
        last.set(line, number);
        const { payload: bytes } = message;
        const expected = Buffer.alloc(bytes.length, number & 0xff).subarray(4);
        if (expected.compare(bytes, 4) !== 0) found.push(`${number} came with another content`);
      }
    }
    for (const { number, outcome, from } of this.sent) {
      const times = count.get(number) ?? 0;
      const certain = outcome.state === 'acknowledged' || outcome.state === 'NoReceiverError';
      if (certain && this.refused.has(number) !== (outcome.state === 'NoReceiverError')) {
        found.push(`${number} of ${from.name} is ${outcome.state}, which is not what its receiver said`);
      }
      const [least, most] = BOUNDS[outcome.state] ?? [9, 0];
      if (times < least || times > most)
        found.push(`${number} of ${from.name} is ${outcome.state}, taken ${times} times`);
    }
    for (const node of [this.a, this.b]) {
      for (const word of Object.keys(node.transport.stats.closedFor)) {
        if (!HARMLESS.has(word))
          found.push(`${node.name} closed a link for ${word}: ${node.warnings.join('; ')}`);
      }
    }
    return found;
  }
}

/** Links that end for these reasons are the network's fault; all others would be ours. */
const HARMLESS = new Set(['ack-timeout', 'handshake-timeout', 'handshake-aborted']);

/** How often a message may have been handed over, by what its sender was told. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  acknowledged: [1, 1],
  NoReceiverError: [1, 1],
  NotDeliveredError: [0, 0],
  SendQueueFullError: [0, 0],
  DeliveryUncertainError: [0, 1],
};

const FIRST_SEED = Number(process.env['SESSION_SEED'] ?? 1);
const SEEDS = Number(process.env['SESSION_SEEDS'] ?? 8);
const seeds = Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i);

describe('two nodes over a network that does its worst', () => {
  it.each(seeds)(
    'deliver every message once and in order, or say what is certain (SESSION_SEED=%i)',
    async (seed) => {
      const run = await Run.start(seed);
      for (let step = 0; step < 400; step++) await run.step(false);
      await run.settle();
      expect(run.complaints()).toEqual([]);
      await run.cluster.close(run.a, run.b);
    },
  );

  it.each(seeds)('also when one forgets the other at times (SESSION_SEED=%i)', async (seed) => {
    const run = await Run.start(seed + 1_000_000);
    for (let step = 0; step < 400; step++) await run.step(true);
    await run.settle();
    expect(run.complaints()).toEqual([]);
    await run.cluster.close(run.a, run.b);
  });
});
