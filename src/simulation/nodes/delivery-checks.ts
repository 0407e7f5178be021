import { decodeMeta, Kind } from '../../cluster/messaging/envelope.js';
import {
  ClosedError,
  DeliveryUncertainError,
  NoHandlerError,
  NoReceiverError,
  NotDeliveredError,
  PayloadTooLargeError,
  RemoteError,
  RequestTimeoutError,
} from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type {
  Destination,
  IncomingMessage,
  Receipt,
  TransportSendOptions,
} from '../../transport/transport.js';
import type { Findings } from './findings.js';
import type { InboxChecks } from './inbox-checks.js';
import type { Process } from './process.js';
import { isPiece } from './payloads.js';

/** The header that numbers a message. */
export const NUMBER_HEADER = 'n';

/** What is sent. `any` is what `requestAny` asks for: it shows itself as one request after the other. */
export type SentKind = 'send' | 'emit' | 'request' | 'broadcast' | 'request-all' | 'any' | 'try';

/** Their promises settle with the last of several recipients. */
const TO_SEVERAL: ReadonlySet<SentKind> = new Set(['broadcast', 'request-all']);
const REQUESTS: ReadonlySet<SentKind> = new Set(['request', 'request-all', 'any', 'try']);

/** A message on its way, and what is known of it. */
export interface Sent {
  readonly number: number;
  readonly kind: SentKind;
  readonly sender: Process;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly atMs: number;
  /** Bytes of the payload; undefined for one that a serializer makes. */
  readonly bytes: number | undefined;
  /** Stops waiting, for a request whose answer is known to be lost: nothing but its timeout would end it. */
  readonly giveUp?: (() => void) | undefined;
  /** Times that it came into the recipient's inbox, and that nobody was there for it. */
  held: number;
  unwanted: number;
  /** Times that a reader or handler began with it. */
  taken: number;
  /** The epoch of the session in which its last frame was given to a link: from then on it may arrive. */
  writtenIn: number | undefined;
  state: 'pending' | 'resolved' | 'rejected';
  /** By when it has to settle, since its recipient is gone. */
  settleByMs: number;
  /** Its sender was told so. */
  neverComes: boolean;
}

/** Whom `any` is for, which goes to nobody itself. */
const NOBODY = '' as NodeId;

type Beginning = Pick<Sent, 'number' | 'kind' | 'sender' | 'from' | 'to' | 'bytes' | 'giveUp'>;

/** Of the promises of a sender whose recipient is gone: they settle at once; a little later for what is queued behind. */
const SETTLE_AFTER_GONE_MS = 100;

/**
 * Exactly once and in order, or the truth about it (decisions 6): follows every numbered message from the call to the
 * recipient's inbox and to its promise.
 */
export class DeliveryChecks {
  readonly #sent = new Map<string, Sent>();
  readonly #pending = new Set<Sent>();
  /** By sender and request id. */
  readonly #requests = new Map<string, Sent>();
  /** What went out for each `requestAny`, by number. */
  readonly #tries = new Map<number, Sent[]>();
  /** The last number of each order of messages: sender, recipient and stream; or what readers have begun with. */
  readonly #last = new Map<string, number>();
  readonly #draining = new Set<NodeId>();
  readonly #closed = new Set<NodeId>();
  #numbers = 0;

  constructor(
    private readonly findings: Findings,
    private readonly nowMs: () => number,
    private readonly inboxes: InboxChecks,
  ) {}

  get pending(): number {
    return this.#pending.size;
  }

  /** How many messages were sent. */
  get count(): number {
    return this.#numbers;
  }

  nextNumber(): number {
    return ++this.#numbers;
  }

  /** A message is about to be sent. */
  begin(message: Beginning): Sent {
    const sent = this.#note(message);
    this.#pending.add(sent);
    return sent;
  }

  /** A request is about to be sent to whomever `requestAny` chooses. */
  beginAny(message: Pick<Beginning, 'number' | 'sender' | 'from'>): Sent {
    this.#tries.set(message.number, []);
    return this.begin({ ...message, kind: 'any', to: NOBODY, bytes: undefined });
  }

  #note(message: Beginning): Sent {
    const sent: Sent = {
      ...message,
      atMs: this.nowMs(),
      held: 0,
      unwanted: 0,
      taken: 0,
      writtenIn: undefined,
      state: 'pending',
      settleByMs: Infinity,
      neverComes: false,
    };
    this.#sent.set(key(message.number, message.to), sent);
    return sent;
  }

  /** The inbox of `to` is given a message. */
  arrived(to: NodeId, message: IncomingMessage, give: () => Receipt): Receipt {
    const text = decodeMeta(message.kind, message.meta).headers[NUMBER_HEADER];
    if (text === undefined) return give();
    const sent = this.#sent.get(key(Number(text), to));
    if (sent === undefined || sent.from !== message.from) {
      this.findings.add(
        'exactly-once',
        `message ${text} came to ${to} from ${message.from}, who never sent it there`,
      );
      return give();
    }
    if (sent.kind !== 'try') this.#inOrder(`inbox ${message.from} ${to} ${message.stream}`, sent);
    if (sent.bytes !== undefined && !isPiece(message.payload, sent.number, sent.bytes)) {
      this.findings.add('content', `${describe(sent)} came with another content`);
    }
    sent.held++;
    this.inboxes.took(sent.number, to, message);
    const receipt = give();
    if (receipt === 'held') this.#checkHeld(sent, message);
    else {
      sent.held--;
      sent.unwanted++;
      this.inboxes.finished(sent.number, to);
    }
    return receipt;
  }

  /** The last frame of a message is given to a link. */
  written(number: number, to: NodeId, epoch: number): void {
    const sent = this.#sent.get(key(number, to));
    if (sent === undefined) return;
    if (sent.writtenIn !== undefined && sent.writtenIn !== epoch) {
      this.findings.add(
        'never-resent',
        `${describe(sent)} was written in epoch ${sent.writtenIn} of its session, and is again in epoch ${epoch}`,
      );
    }
    sent.writtenIn = epoch;
  }

  /** A node takes no requests from now on. */
  drains(id: NodeId): void {
    this.#draining.add(id);
  }

  /** A node says goodbye on its links: what it has not taken yet, it never will. */
  closes(id: NodeId): void {
    this.#closed.add(id);
  }

  /** A message goes out. */
  leaves(
    from: NodeId,
    to: Destination,
    { kind = 0, meta, correlation = 0, free }: TransportSendOptions,
    send: () => Promise<void>,
  ): Promise<void> {
    const isRequest = (kind & ~Kind.bytes) === Kind.request;
    if (meta === undefined || to.id === undefined || !(isRequest || free === true)) return send();
    const { headers } = decodeMeta(kind, meta);
    if (isRequest) {
      const number = Number(headers[NUMBER_HEADER]);
      this.#try(number, from, to.id);
      const sent = this.#sent.get(key(number, to.id));
      if (sent?.giveUp !== undefined) this.#requests.set(key(correlation, from), sent);
      return send();
    }
    const asked = key(correlation, to.id);
    const promise = send();
    promise.catch(() => this.#requests.get(asked)?.giveUp?.());
    return promise;
  }

  /** A reader or a handler begins with a message. `line`: those of one line begin in order. */
  taken(number: number, to: NodeId, line: string): void {
    const sent = this.#sent.get(key(number, to));
    if (sent === undefined) return;
    sent.taken++;
    if (sent.taken > sent.held) {
      this.findings.add(
        'exactly-once',
        `${describe(sent)} was handled ${sent.taken} times and came ${sent.held} times`,
      );
    }
    if (sent.kind !== 'try') this.#inOrder(`taken ${sent.from} ${to} ${line}`, sent);
  }

  /** The handler of a request is done, and its answer will not be sent. */
  unanswered(number: number, to: NodeId): void {
    this.#sent.get(key(number, to))?.giveUp?.();
  }

  /** The reader or handler is done with a message. */
  finished(number: number, to: NodeId): void {
    this.inboxes.finished(number, to);
  }

  resolved(sent: Sent): void {
    if (!this.#settle(sent, 'resolved')) return;
    if (sent.kind === 'any') this.#decided(sent, (last) => this.#checkResolved(last));
    else this.#checkResolved(sent);
  }

  rejected(sent: Sent, error: unknown): void {
    if (!this.#settle(sent, 'rejected')) return;
    if (sent.kind === 'any') this.#decided(sent, (last) => this.#checkRejected(last, error));
    else this.#checkRejected(sent, error);
  }

  /** `requestAny` asks the next one only when the one before has certainly done nothing. */
  #decided({ number }: Sent, checkLast: (last: Sent) => void): void {
    const tries = this.#tries.get(number) ?? [];
    this.#tries.delete(number);
    for (const [index, attempt] of tries.entries()) {
      if (index === tries.length - 1) checkLast(attempt);
      else this.#checkRejected(attempt, new NotDeliveredError('Another member was asked instead'));
    }
  }

  #try(number: number, from: NodeId, to: NodeId): void {
    const tries = this.#tries.get(number);
    const any = this.#sent.get(key(number, NOBODY));
    if (tries === undefined || any === undefined || any.from !== from) return;
    const { sender } = any;
    tries.push(this.#note({ number, kind: 'try', sender, from, to, bytes: undefined }));
  }

  #checkResolved(sent: Sent): void {
    if (sent.held === 1) return;
    this.findings.add('certainty', `${describe(sent)} counts as delivered and came ${sent.held} times`);
  }

  #checkRejected(sent: Sent, error: unknown): void {
    const [least, most] = timesAllowed(sent, error);
    sent.neverComes = most === 0;
    if (sent.held < least || sent.held > most) {
      this.findings.add(
        'certainty',
        `${describe(sent)} came ${sent.held} times, and its sender was told: ${String(error)}`,
      );
    }
    this.#checkClaim(sent, error);
    if (!(error instanceof NoReceiverError || error instanceof NoHandlerError) || sent.unwanted > 0) return;
    this.findings.add(
      'certainty',
      `${describe(sent)} was refused by nobody, and its sender was told: ${String(error)}`,
    );
  }

  /** What was written may have arrived, and nothing else; only the recipient's own word, or its goodbye, makes it certain again. */
  #checkClaim(sent: Sent, error: unknown): void {
    const isWritten = sent.writtenIn !== undefined;
    if (
      isWritten
        ? error instanceof NotDeliveredError && sent.unwanted === 0 && !this.#closed.has(sent.to)
        : error instanceof DeliveryUncertainError
    ) {
      this.findings.add(
        'certainty',
        `${describe(sent)} was ${isWritten ? '' : 'not '}given to a link, and its sender was told: ${String(error)}`,
      );
    }
  }

  /**
   * The sender has seen that a member is gone: what waits for it settles now, or within the time that a leaver has
   * for its goodbye; a broadcast with its last recipient.
   */
  gone(sender: Process, id: NodeId, withinMs = 0): void {
    for (const sent of this.#pending) {
      if (sent.sender === sender && sent.to === id && !TO_SEVERAL.has(sent.kind)) {
        sent.settleByMs = Math.min(sent.settleByMs, this.nowMs() + withinMs + SETTLE_AFTER_GONE_MS);
      }
    }
  }

  /** Whether everything that its sender still waits for has settled. */
  get isSettled(): boolean {
    for (const sent of this.#pending) if (sent.sender.end === 'none') return false;
    return true;
  }

  /** Looks for promises that are overdue. */
  tick(): void {
    const nowMs = this.nowMs();
    for (const sent of this.#pending) {
      if (sent.sender.end !== 'none') this.#pending.delete(sent);
      else if (sent.settleByMs < nowMs && !sent.sender.loop.isFrozen) {
        this.findings.add('settles', `${describe(sent)} still waits for a recipient that is gone`);
      }
    }
  }

  /**
   * The cluster is calm: everybody who lives has had the time to settle and to take all.
   *
   * @param isAlive whether the process that had this id still runs
   */
  finish(isAlive: (id: NodeId) => boolean): void {
    this.tick();
    for (const sent of this.#pending) {
      this.findings.add('settles', `${describe(sent)} has not settled although the cluster is calm`);
    }
    for (const sent of this.#sent.values()) {
      if (sent.taken < sent.held && isAlive(sent.to)) {
        this.findings.add('exactly-once', `${describe(sent)} came, and was never given to its reader`);
      }
    }
  }

  #checkHeld(sent: Sent, { kind }: IncomingMessage): void {
    if (this.#draining.has(sent.to) && (kind & ~Kind.bytes) === Kind.request)
      this.findings.add('drain', `${describe(sent)} was taken by a node that drains`);
    if (sent.held > 1) this.findings.add('exactly-once', `${describe(sent)} came ${sent.held} times`);
    if (sent.neverComes) {
      this.findings.add('certainty', `${describe(sent)} came, after its sender was told that it never will`);
    }
  }

  #settle(sent: Sent, state: 'resolved' | 'rejected'): boolean {
    if (sent.state !== 'pending') {
      this.findings.add('settles', `${describe(sent)} was ${state} after it was ${sent.state}`);
      return false;
    }
    sent.state = state;
    this.#pending.delete(sent);
    return true;
  }

  #inOrder(line: string, sent: Sent): void {
    const last = this.#last.get(line) ?? 0;
    if (sent.number <= last)
      this.findings.add('order', `${describe(sent)} came after message ${last} (${line})`);
    this.#last.set(line, Math.max(last, sent.number));
  }
}

/** How often a message may have come, by what its sender was told: the table of decisions 6. */
function timesAllowed(sent: Sent, error: unknown): readonly [number, number] {
  if (
    error instanceof NotDeliveredError ||
    error instanceof NoHandlerError ||
    error instanceof PayloadTooLargeError
  ) {
    return [0, 0];
  }
  if (error instanceof DeliveryUncertainError || error instanceof RequestTimeoutError) return [0, 1];
  if (error instanceof RemoteError) return [1, 1];
  if (error instanceof ClosedError) return REQUESTS.has(sent.kind) ? [0, 1] : [0, 0];
  // No promise of a message may reject with anything else.
  return [2, 0];
}

function key(number: number, to: NodeId): string {
  return `${number} ${to}`;
}

function describe({ number, kind, sender, to, atMs }: Sent): string {
  return `message ${number} (${kind} of ${sender.name} to ${to} at ${atMs.toFixed(1)} ms)`;
}
