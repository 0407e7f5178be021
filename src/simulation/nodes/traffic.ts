import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import type { RequestOptions } from '../../cluster/messaging/messenger.js';
import type { ClusterNode } from '../../cluster/node.js';
import { BroadcastFailedError, ReplyError } from '../../errors.js';
import type { BroadcastOutcome, Member, Recipient } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Random } from '../random.js';
import { NUMBER_HEADER, type DeliveryChecks, type Sent, type SentKind } from './delivery-checks.js';
import type { EventChecks } from './event-checks.js';
import type { Findings } from './findings.js';
import { isPiece, piece } from './payloads.js';
import type { Process } from './process.js';

/** How much an application sends, and how it takes what it gets. */
export interface TrafficProfile {
  /** Between two things that one node does, on average. */
  readonly meanGapMs: number;
  /** The share of messages and requests that take their handler up to `slowMs`. */
  readonly slowShare: number;
  readonly slowMs: number;
  /** The share of payloads of up to 3 MiB. */
  readonly largeShare: number;
  /** The share of moments at which a node sends many messages to one at once. */
  readonly burstShare: number;
  /** Whether raw messages are read one by one, instead of handled. */
  readonly reader: boolean;
}

/** What everybody in a scenario reports to. */
export interface TrafficChecks {
  readonly delivery: DeliveryChecks;
  readonly events: EventChecks;
  readonly findings: Findings;
}

const KIB = 1024;
const BURST = 24;
/** Calls of one handler at once: few, so that calls wait and credit is held back. */
const CONCURRENCY = 4;
/** So long that a request which hangs is found hanging. */
const PATIENT_MS = 3_600_000;

/** The application of one node: everything that messaging offers, at random, in the node's own process. */
export class Traffic {
  #isOver = false;

  constructor(
    private readonly node: ClusterNode,
    private readonly process: Process,
    private readonly profile: TrafficProfile,
    private readonly random: Random,
    private readonly checks: TrafficChecks,
  ) {
    this.#handle();
  }

  /** Sends from now on. */
  start(): void {
    if (this.#isOver) return;
    this.process.setTimer(-this.profile.meanGapMs * Math.log(1 - this.random.next()), () => {
      this.#act();
      this.start();
    });
  }

  /** Sends no more; what is under way goes on. */
  stop(): void {
    this.#isOver = true;
  }

  /** Asks a member for something that it answers at once. */
  ask(to: Member): Promise<void> {
    const sent = this.#begin('request', to.id, undefined);
    const headers = { [NUMBER_HEADER]: String(sent.number) };
    return this.#asked(sent, to, 'leaf', { headers, timeoutMs: 5000 });
  }

  // --- what it sends ---

  #act(): void {
    const { random, node } = this;
    if (this.#isOver || (node.status !== 'ready' && node.status !== 'joining')) return;
    const to = this.#someone();
    if (to === undefined) return;
    const dice = random.next();
    const times = random.chance(this.profile.burstShare) ? BURST : 1;
    for (let time = 0; time < times; time++) {
      if (dice < 0.3) this.#send(to);
      else if (dice < 0.5) this.#emit(to, random.pick(['note', 'note', 'slow-note', 'unheard']));
      else if (dice < 0.7) this.#request(to, 'ask', random.pick([undefined, undefined, 30, 400]));
      else if (dice < 0.85) this.#patientRequest(to, 'ask-back').catch(() => undefined);
      else if (dice < 0.88) this.#request(to, 'unheard', undefined);
      else if (dice < 0.92) this.ask(to).catch(() => undefined);
      else if (time === 0) this.#broadcast();
    }
  }

  /** Mostly an active member, at times one that has gone. */
  #someone(): Member | undefined {
    const { random, node } = this;
    const others = random.chance(0.06) ? node.allMembers : node.activeMembers;
    const fit = others.filter(({ id }) => id !== node.local.id);
    return fit.length === 0 ? undefined : random.pick(fit);
  }

  #send(to: Member): void {
    const bytes = this.#size();
    const sent = this.#begin('send', to.id, bytes);
    this.#follow(sent, this.node.send(to, piece(sent.number, bytes), this.#options(sent)));
  }

  #emit(to: Recipient & Member, pattern: string): void {
    const isBytes = this.random.chance(0.3);
    const bytes = this.#size();
    const sent = this.#begin('emit', to.id, isBytes ? bytes : undefined);
    const data = isBytes ? piece(sent.number, bytes) : { text: 'x'.repeat(bytes % 500) };
    this.#follow(sent, this.node.emit(to, pattern, data, this.#options(sent)));
  }

  #request(to: Member, pattern: string, timeoutMs: number | undefined): void {
    const sent = this.#begin('request', to.id, undefined);
    this.#asked(sent, to, pattern, { ...this.#options(sent), timeoutMs }).catch(() => undefined);
  }

  /** A request that hangs for ever if nobody answers it, and is given up only when its answer is known to be lost. */
  #patientRequest(to: Member, pattern: string): Promise<void> {
    const { process, node, checks } = this;
    const aborter = new AbortController();
    const sent = checks.delivery.begin({
      number: checks.delivery.nextNumber(),
      kind: 'request',
      sender: process,
      from: node.local.id,
      to: to.id,
      bytes: undefined,
      giveUp: () => process.input(() => aborter.abort()),
    });
    const headers = { [NUMBER_HEADER]: String(sent.number) };
    return this.#asked(sent, to, pattern, { headers, signal: aborter.signal, timeoutMs: PATIENT_MS });
  }

  #asked(sent: Sent, to: Member, pattern: string, options: RequestOptions): Promise<void> {
    const answer = this.node.request(to, pattern, { n: sent.number }, options);
    const checked = answer.then((reply) => this.#checkReply(sent, reply));
    this.#follow(sent, checked);
    return checked;
  }

  #broadcast(): void {
    const { node, checks } = this;
    const bytes = Math.min(this.#size(), 64 * KIB);
    const number = checks.delivery.nextNumber();
    const to = node.activeMembers.filter(({ id }) => id !== node.local.id);
    const sent = to.map(({ id }) => this.#begin('broadcast', id, bytes, number));
    const told = (outcome: BroadcastOutcome): void => this.#checkOutcome(sent, outcome);
    node
      .broadcast(piece(number, bytes), { headers: { [NUMBER_HEADER]: String(number) } })
      .then(told, (error: unknown) => {
        if (error instanceof BroadcastFailedError) told(error.outcome as BroadcastOutcome);
        else for (const message of sent) checks.delivery.rejected(message, error);
      });
  }

  #checkOutcome(sent: readonly Sent[], { delivered, failed }: BroadcastOutcome): void {
    const { delivery, findings } = this.checks;
    if (delivered.length + failed.length !== sent.length) {
      findings.add('certainty', `a broadcast to ${sent.length} tells of ${delivered.length + failed.length}`);
    }
    for (const message of sent) {
      const failure = failed.find(({ member }) => member.id === message.to);
      if (failure !== undefined) delivery.rejected(message, failure.error);
      else if (delivered.some(({ id }) => id === message.to)) delivery.resolved(message);
      else
        findings.add('certainty', `a broadcast tells nothing of message ${message.number} to ${message.to}`);
    }
  }

  #begin(
    kind: SentKind,
    to: NodeId,
    bytes: number | undefined,
    number = this.checks.delivery.nextNumber(),
  ): Sent {
    const { process, node, checks } = this;
    return checks.delivery.begin({ number, kind, sender: process, from: node.local.id, to, bytes });
  }

  #follow(sent: Sent, promise: Promise<void>): void {
    const { delivery } = this.checks;
    promise.then(
      () => delivery.resolved(sent),
      (error: unknown) => delivery.rejected(sent, error),
    );
  }

  #options(sent: Sent): { readonly headers: Record<string, string>; readonly signal?: AbortSignal } {
    const headers = { [NUMBER_HEADER]: String(sent.number) };
    if (!this.random.chance(0.06)) return { headers };
    const aborter = new AbortController();
    this.process.setTimer(this.random.between(0, 60), () => aborter.abort());
    return { headers, signal: aborter.signal };
  }

  #size(): number {
    const { random, profile } = this;
    if (random.chance(profile.largeShare)) return random.int(3 * KIB * KIB);
    const dice = random.next();
    if (dice < 0.05) return 0;
    if (dice < 0.92) return random.int(400);
    return random.int(dice < 0.99 ? 32 * KIB : 300 * KIB);
  }

  // --- what it takes ---

  #handle(): void {
    const { node, profile } = this;
    const options = { concurrency: CONCURRENCY };
    if (profile.reader) void this.#read();
    else node.onMessage(undefined, (_data, message) => this.#take(message, 'raw'), options);
    node.onMessage('note', (_data, message) => this.#take(message, 'note'));
    node.onMessage('slow-note', (_data, message) => this.#take(message, 'slow-note', true), options);
    node.onRequest('ask', (data, message) => this.#answer(data, message), options);
    node.onRequest('ask-back', (data, message) => this.#askBack(data, message), options);
    node.onRequest('leaf', (data, message) => {
      this.#begun(message.sender.id, message.headers, 'leaf');
      return data;
    });
  }

  async #read(): Promise<void> {
    for await (const message of this.node.incomingMessages) {
      this.#begun(message.sender.id, message.headers, 'raw');
      if (this.random.chance(this.profile.slowShare)) await this.#sleep();
    }
  }

  #take(message: ClusterMessage, line: string, isSlow = false): Promise<void> | undefined {
    this.#begun(message.sender.id, message.headers, line);
    return isSlow || this.random.chance(this.profile.slowShare) ? this.#sleep() : undefined;
  }

  async #answer(data: unknown, message: ClusterMessage): Promise<unknown> {
    const { random } = this;
    this.#begun(message.sender.id, message.headers, 'ask');
    if (random.chance(this.profile.slowShare)) await this.#sleep();
    if (random.chance(0.03)) throw new ReplyError('no', 'NO');
    return random.chance(0.1) ? piece((data as { n: number }).n, this.#size()) : data;
  }

  /** Does not answer before its caller has answered it. */
  async #askBack(data: unknown, message: ClusterMessage): Promise<unknown> {
    this.#begun(message.sender.id, message.headers, 'ask-back');
    await this.#patientRequest(message.sender, 'leaf');
    return data;
  }

  #begun(from: NodeId, headers: Readonly<Record<string, string>>, line: string): void {
    const { delivery, events } = this.checks;
    events.message(from);
    delivery.taken(Number(headers[NUMBER_HEADER]), this.node.local.id, line);
  }

  #checkReply({ number }: Sent, reply: unknown): void {
    const isRight =
      reply instanceof Uint8Array
        ? isPiece(reply, number, reply.length)
        : (reply as { n?: number } | null)?.n === number;
    if (!isRight) this.checks.findings.add('content', `request ${number} got the answer of another one`);
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.process.setTimer(this.random.between(0, this.profile.slowMs), resolve);
    });
  }
}
