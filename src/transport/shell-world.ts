import type { Address } from '../address.js';
import type { Clock, Timer } from '../clock.js';
import type { HandshakeError } from '../errors.js';
import type { ClusterLogger } from '../logger.js';
import type { NodeId } from '../node-id.js';
import { setDeadline } from './deadline.js';
import type { Dial, DialOutcome, Links } from './link.js';
import type { MessageSequence } from './message-sequence.js';
import type { SessionTimer, SessionWorld } from './session/world.js';
import type {
  Destination,
  IncomingMessage,
  LinkReport,
  ProvenPeer,
  Receipt,
  RefusedPeer,
  TransportHost,
} from './transport.js';

const NO_RECORD = new Uint8Array(0);

/**
 * The world of a live endpoint. The node above is never called from within a call into the transport: what there
 * is to tell then waits for the end of the turn.
 */
export class ShellWorld implements SessionWorld {
  host: TransportHost = {};
  /** Calls into the transport that are running. */
  #calls = 0;
  #turnAsked = false;
  #waiting: (() => void)[] = [];
  readonly #timers = new Map<SessionTimer, Timer>();
  readonly #endTurn = (): void => this.#turnEnded();

  constructor(
    readonly links: Links,
    readonly clock: Clock,
    readonly random: () => number,
    readonly logger: ClusterLogger,
    readonly inbox: MessageSequence,
    readonly turnEnded: () => void,
  ) {}

  enter(): void {
    this.#calls++;
  }

  exit(): void {
    this.#calls--;
  }

  /** Cancels all timers. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  now(): number {
    return this.clock.now();
  }

  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial {
    return this.links.dial(address, timeoutMs, outcome);
  }

  after(delayMs: number, timer: SessionTimer): void {
    this.#timers.get(timer)?.cancel();
    const pending = setDeadline(this.clock, delayMs, () => {
      this.#timers.delete(timer);
      timer.fired();
    });
    this.#timers.set(timer, pending);
  }

  cancel(timer: SessionTimer): void {
    this.#timers.get(timer)?.cancel();
    this.#timers.delete(timer);
  }

  turn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    queueMicrotask(this.#endTurn);
  }

  record(): Uint8Array {
    return this.host.record?.() ?? NO_RECORD;
  }

  identify(peer: ProvenPeer): string | undefined {
    try {
      return this.host.identify?.(peer);
    } catch (error) {
      this.#hostFailed(error);
      return 'it could not be checked';
    }
  }

  holds(peer: ProvenPeer): boolean {
    try {
      return this.host.holds?.(peer) === true;
    } catch (error) {
      this.#hostFailed(error);
      return false;
    }
  }

  introduce(peer: ProvenPeer, record: Uint8Array): 'grant' | 'wait' | 'refuse' {
    try {
      return this.host.introduce?.(peer, record) ?? 'grant';
    } catch (error) {
      this.#hostFailed(error);
      return 'wait';
    }
  }

  protocolMessage(from: ProvenPeer, body: unknown): void {
    try {
      this.host.protocolMessage?.(from, body);
    } catch (error) {
      this.#hostFailed(error);
    }
  }

  receive(message: IncomingMessage): Receipt {
    if (this.host.receive === undefined) return this.inbox.push(message) ? 'held' : 'no-receiver';
    try {
      return this.host.receive(message);
    } catch (error) {
      this.#hostFailed(error);
      return 'no-receiver';
    }
  }

  link(about: Destination, report: LinkReport, by?: NodeId): void {
    this.#tell(() => this.host.link?.(about, report, by));
  }

  duplicateId(by: Destination): void {
    this.#tell(() => this.host.duplicateId?.(by));
  }

  refused(peer: RefusedPeer, error: HandshakeError): void {
    this.#tell(() => this.host.refused?.(peer, error));
  }

  unsent(notify: () => void): void {
    this.#tell(notify);
  }

  warn(message: string): void {
    this.logger.warn(message);
  }

  debug(message: string): void {
    this.logger.debug(message);
  }

  #tell(what: () => void): void {
    if (this.#calls > 0 || this.#waiting.length > 0) {
      this.#waiting.push(what);
      this.turn();
      return;
    }
    this.#safely(what);
  }

  #turnEnded(): void {
    this.#turnAsked = false;
    const waiting = this.#waiting;
    for (const what of waiting) this.#safely(what);
    this.#waiting = [];
    this.turnEnded();
  }

  #safely(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.#hostFailed(error);
    }
  }

  #hostFailed(error: unknown): void {
    this.logger.error('The node above the transport threw', error);
  }
}
