import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import type { ClusterNode } from '../../cluster/node.js';
import { ReplyError } from '../../errors.js';
import type { Member } from '../../membership/membership.js';
import type { Random } from '../random.js';
import { NUMBER_HEADER } from './delivery-checks.js';
import { payloadBytes, piece } from './payloads.js';
import type { Process } from './process.js';
import type { TrafficChecks, TrafficProfile } from './traffic.js';

/** Calls of one handler at once: few, so that calls wait and credit is held back. */
const CONCURRENCY = 4;

/** What the application of one node does with what it gets: readers, handlers that take their time, answers. */
export class Handlers {
  /** Requests that have begun and are not answered. */
  #running = 0;
  #hasDrained = false;

  constructor(
    private readonly node: ClusterNode,
    private readonly process: Process,
    private readonly profile: TrafficProfile,
    private readonly random: Random,
    private readonly checks: TrafficChecks,
    private readonly askBack: (caller: Member) => Promise<void>,
  ) {
    const options = { concurrency: CONCURRENCY };
    if (profile.reader) void this.#read();
    else node.onMessage(undefined, (_data, message) => this.#take(message, 'raw'), options);
    node.onMessage('note', (_data, message) => this.#take(message, 'note'));
    node.onMessage('slow-note', (_data, message) => this.#take(message, 'slow-note', true), options);
    this.#onRequest('ask', (data) => this.#answer(data));
    this.#onRequest('slow-ask', (data) => this.#sleep().then(() => data));
    this.#onRequest('ask-back', (data, message) => this.#askBack(data, message));
    node.onRequest('leaf', (data, message) => {
      this.#begun(message, 'leaf', true);
      this.#finished(message);
      return data;
    });
  }

  /** The node says that it has drained: no request runs, and none will begin. */
  drained(): void {
    this.#hasDrained = true;
    if (this.#running === 0) return;
    this.checks.findings.add('drain', `${this.process.name} has drained and ${this.#running} requests run`);
  }

  #onRequest(pattern: string, answer: (data: unknown, message: ClusterMessage) => Promise<unknown>): void {
    const handler = async (data: unknown, message: ClusterMessage): Promise<unknown> => {
      this.#begun(message, pattern, true);
      this.#running++;
      try {
        return await answer(data, message);
      } finally {
        this.#running--;
        this.#finished(message);
        this.#unanswered(message);
      }
    };
    this.node.onRequest(pattern, handler, { concurrency: CONCURRENCY });
  }

  async #read(): Promise<void> {
    for await (const message of this.node.incomingMessages) {
      this.#begun(message, 'raw', false);
      if (this.random.chance(this.profile.slowShare)) await this.#sleep();
      this.#finished(message);
    }
  }

  #take(message: ClusterMessage, line: string, isSlow = false): Promise<void> | undefined {
    this.#begun(message, line, false);
    if (isSlow || this.random.chance(this.profile.slowShare))
      return this.#sleep().then(() => this.#finished(message));
    this.#finished(message);
    return undefined;
  }

  async #answer(data: unknown): Promise<unknown> {
    const { random, profile } = this;
    if (random.chance(profile.slowShare)) await this.#sleep();
    if (random.chance(0.03)) throw new ReplyError('no', 'NO');
    if (!random.chance(0.1)) return data;
    return piece((data as { n: number }).n, payloadBytes(random, profile.largeShare));
  }

  /** Does not answer before its caller has answered it. */
  async #askBack(data: unknown, { sender }: ClusterMessage): Promise<unknown> {
    await this.askBack(sender);
    return data;
  }

  #begun(
    { sender, headers }: Pick<ClusterMessage, 'sender' | 'headers'>,
    line: string,
    isRequest: boolean,
  ): void {
    const { delivery, events, findings } = this.checks;
    if (isRequest && this.#hasDrained) {
      findings.add('drain', `${this.process.name} has drained and takes a request of ${sender.name}`);
    }
    events.message(sender.id);
    delivery.taken(Number(headers[NUMBER_HEADER]), this.node.local.id, line);
  }

  #finished({ headers }: Pick<ClusterMessage, 'headers'>): void {
    this.checks.delivery.finished(Number(headers[NUMBER_HEADER]), this.node.local.id);
  }

  /** To a caller that is gone no answer goes out, and one that comes back would wait for it. */
  #unanswered({ sender, headers }: ClusterMessage): void {
    const { node } = this;
    if (node.member(sender.id)?.isActive === true) return;
    this.checks.delivery.unanswered(Number(headers[NUMBER_HEADER]), node.local.id);
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.process.setTimer(this.random.between(0, this.profile.slowMs), resolve);
    });
  }
}
