import type { RequestOptions, RequestOutcome } from '../../cluster/messaging/request-options.js';
import type { ClusterNode } from '../../cluster/node.js';
import { BroadcastFailedError, ClosedError, NotDeliveredError, UnknownMemberError } from '../../errors.js';
import type { BroadcastOutcome, Member, Recipient } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Random } from '../random.js';
import { NUMBER_HEADER, type DeliveryChecks, type Sent, type SentKind } from './delivery-checks.js';
import type { EventChecks } from './event-checks.js';
import type { Findings } from './findings.js';
import { Handlers } from './handlers.js';
import { isPiece, payloadBytes, piece } from './payloads.js';
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

/** Of notes. The last has no handler. */
const PATTERNS = ['note', 'note', 'slow-note', 'unheard'] as const;
const KIB = 1024;
const BURST = 24;
/** The default of `drainTimeoutMs`; later a drain ends whatever still runs. */
const DRAIN_TIMEOUT_MS = 10_000;
/** So long that a request which hangs is found hanging. */
const PATIENT_MS = 3_600_000;

/** The application of one node: everything that messaging offers, at random, in the node's own process. */
export class Traffic {
  #isOver = false;
  readonly #handlers: Handlers;

  constructor(
    private readonly node: ClusterNode,
    private readonly process: Process,
    private readonly profile: TrafficProfile,
    private readonly random: Random,
    private readonly checks: TrafficChecks,
  ) {
    this.#handlers = new Handlers(node, process, profile, random, checks, (to) =>
      this.#patientRequest(to, 'leaf'),
    );
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

  /** Refuses requests and finishes those that it has; what the node promises of that is checked. */
  async drain(): Promise<void> {
    const { process, node } = this;
    const sinceMs = process.now();
    const drained = node.drain();
    this.checks.delivery.drains(node.local.id);
    await drained;
    if (process.now() - sinceMs < DRAIN_TIMEOUT_MS) this.#handlers.drained();
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
      if (dice < 0.28) this.#send(to);
      else if (dice < 0.46) this.#emit(to, random.pick(PATTERNS));
      else if (dice < 0.64) this.#ask(to, random.pick([undefined, PATIENT_MS, 30, 400]));
      else if (dice < 0.78) leaveToChecks(this.#patientRequest(to, 'ask-back'));
      else if (dice < 0.8) this.#request(to, 'unheard', undefined);
      else if (dice < 0.83) leaveToChecks(this.ask(to));
      else if (dice < 0.88) this.#requestAny(random.pick(['ask', 'ask', 'leaf', 'unheard']));
      else if (time === 0) this.#toAll(dice);
    }
  }

  #toAll(dice: number): void {
    if (dice < 0.92) this.#broadcast();
    else if (dice < 0.96) this.#emitAll(this.random.pick(PATTERNS));
    else if (dice < 0.985) this.#requestAll(this.random.pick(['ask', 'leaf', 'unheard']));
    else this.#tellOfItself();
  }

  #tellOfItself(): void {
    // Rejects when the node leaves.
    this.node.updateMetadata({ told: this.checks.delivery.count }).catch((error: unknown) => {
      if (!(error instanceof ClosedError)) this.checks.findings.add('metadata', String(error));
    });
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
    leaveToChecks(this.#asked(sent, to, pattern, { ...this.#options(sent), timeoutMs }));
  }

  #ask(to: Member, timeoutMs: number | undefined): void {
    if (timeoutMs === PATIENT_MS) leaveToChecks(this.#patientRequest(to, 'slow-ask'));
    else this.#request(to, 'ask', timeoutMs);
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

  /** The one that is asked shows itself when the request goes out. */
  #requestAny(pattern: string): void {
    const { process, node, checks } = this;
    const number = checks.delivery.nextNumber();
    const sent = checks.delivery.beginAny({ number, sender: process, from: node.local.id });
    const where = this.random.chance(0.2) ? ({ name }: Member): boolean => name < 'c' : undefined;
    const answer = node.requestAny(pattern, { n: number }, { ...this.#options(sent), where });
    answer.then(
      (reply) => {
        checks.delivery.resolved(sent);
        this.#checkReply(sent, reply);
      },
      (error: unknown) => {
        // Nobody is there who fits: nothing has gone out.
        const isNobody = error instanceof UnknownMemberError;
        checks.delivery.rejected(sent, isNobody ? new NotDeliveredError('Nobody fits') : error);
      },
    );
  }

  #requestAll(pattern: string): void {
    const { node, checks } = this;
    const sent = this.#beginAll('request-all', undefined);
    if (sent.length === 0) return;
    const { number } = sent[0]!;
    const answers = node.requestAll(pattern, { n: number }, this.#options(sent[0]!));
    answers.then(
      (outcomes) => this.#checkAnswers(sent, outcomes),
      (error: unknown) => checks.findings.add('certainty', `requestAll rejected: ${String(error)}`),
    );
  }

  #checkAnswers(sent: readonly Sent[], outcomes: readonly RequestOutcome<unknown>[]): void {
    const { delivery, findings } = this.checks;
    if (outcomes.length !== sent.length) {
      findings.add('certainty', `a request to ${sent.length} tells of ${outcomes.length}`);
    }
    for (const message of sent) {
      const outcome = outcomes.find(({ member }) => member.id === message.to);
      if (outcome === undefined) {
        findings.add('certainty', `a request tells nothing of message ${message.number} to ${message.to}`);
      } else if (outcome.error !== undefined) {
        delivery.rejected(message, outcome.error);
      } else {
        delivery.resolved(message);
        this.#checkReply(message, outcome.reply);
      }
    }
  }

  #broadcast(): void {
    const bytes = Math.min(this.#size(), 64 * KIB);
    const sent = this.#beginAll('broadcast', bytes);
    if (sent.length === 0) return;
    const { number } = sent[0]!;
    this.#followAll(sent, this.node.broadcast(piece(number, bytes), this.#options(sent[0]!)));
  }

  #emitAll(pattern: string): void {
    const isBytes = this.random.chance(0.3);
    const bytes = Math.min(this.#size(), 64 * KIB);
    const sent = this.#beginAll('broadcast', isBytes ? bytes : undefined);
    if (sent.length === 0) return;
    const { number } = sent[0]!;
    const data = isBytes ? piece(number, bytes) : { text: 'x'.repeat(bytes % 500) };
    this.#followAll(sent, this.node.emitAll(pattern, data, this.#options(sent[0]!)));
  }

  /** One message with one number to everybody else. */
  #beginAll(kind: SentKind, bytes: number | undefined): readonly Sent[] {
    const { node, checks } = this;
    const number = checks.delivery.nextNumber();
    const to = node.activeMembers.filter(({ id }) => id !== node.local.id);
    return to.map(({ id }) => this.#begin(kind, id, bytes, number));
  }

  #followAll(sent: readonly Sent[], outcome: Promise<BroadcastOutcome>): void {
    outcome.then(
      (told) => this.#checkOutcome(sent, told),
      (error: unknown) => {
        if (error instanceof BroadcastFailedError)
          this.#checkOutcome(sent, error.outcome as BroadcastOutcome);
        else for (const message of sent) this.checks.delivery.rejected(message, error);
      },
    );
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
    return payloadBytes(this.random, this.profile.largeShare);
  }

  #checkReply({ number }: Sent, reply: unknown): void {
    const isRight =
      reply instanceof Uint8Array
        ? isPiece(reply, number, reply.length)
        : (reply as { n?: number } | null)?.n === number;
    if (!isRight) this.checks.findings.add('content', `request ${number} got the answer of another one`);
  }
}

/** Nobody waits for this answer. How it failed, if it did, the delivery checks have been told by `#follow`. */
function leaveToChecks(asked: Promise<void>): void {
  asked.catch(() => undefined);
}
