import type { Timer } from '../../clock.js';
import type { LinkEvidence, Peer } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import { Happening, type VirtualClock } from '../clock/virtual-clock.js';
import type { Listeners } from './listeners.js';
import type { Paths } from './paths.js';
import type { Sockets } from './sockets.js';

/** A lost SYN is sent again after this long, then twice as long, as Linux does. */
const SYN_RETRY_MS = 1000;

/** For what a link is dialled. */
export type Via = 'kept' | 'fresh' | 'verify';

/** A message on its way to a socket. */
export interface Outgoing<M> {
  readonly message: M;
  readonly token: number | undefined;
}

/** Where dials travel, and who deals with their ends. */
export interface Dialling<M> {
  readonly clock: VirtualClock;
  readonly paths: Paths;
  readonly listeners: Listeners<M>;
  /** The handshake is done. */
  welcomed(dial: PendingDial<M>, target: Sockets<M>): void;
  /** Undefined: it has succeeded. */
  ended(dial: PendingDial<M>, evidence: LinkEvidence | undefined, by: NodeId | undefined): void;
}

/** What happens to a dial next. */
type Stage =
  /** The SYN arrives, or is sent again. */
  | 'syn'
  | 'syn-again'
  /** The hello arrives at the target's kernel; then its process reads it. */
  | 'hello'
  | 'hello-read'
  /** The same with its answer. */
  | 'welcome'
  | 'welcome-read'
  /** The same with a reset. */
  | 'refusal'
  | 'refusal-read';

/**
 * One attempt to connect, from the first SYN to the handshake's end. Settles once. Large clusters dial all the time, so
 * it walks through its stages as one object, without a closure for each.
 */
export class PendingDial<M> extends Happening {
  readonly from: Sockets<M>;
  readonly to: Peer;
  readonly via: Via;
  /** The address that is dialled, written out. */
  readonly toHost: string;
  /** What is sent once the link is there. */
  readonly waiting: Outgoing<M>[];
  /** Gives the dial up. */
  timeout: Timer | undefined;
  settled = false;
  readonly #dialling: Dialling<M>;
  #stage: Stage = 'syn';
  #retryMs = SYN_RETRY_MS;
  #target: Sockets<M> | undefined;

  constructor(
    dialling: Dialling<M>,
    from: Sockets<M>,
    to: Peer,
    toHost: string,
    via: Via,
    first: Outgoing<M>,
  ) {
    super();
    this.#dialling = dialling;
    this.from = from;
    this.to = to;
    this.toHost = toHost;
    this.via = via;
    this.waiting = [first];
  }

  /** Sends the SYN, again and again until it is answered. */
  knock(): void {
    this.#after(this.#dialling.paths.latencyMs(this.from.host, this.toHost), 'syn');
  }

  happen(): void {
    switch (this.#stage) {
      case 'syn':
        return this.#arrive();
      case 'syn-again':
        if (this.settled) return;
        this.#retryMs *= 2;
        return this.knock();
      case 'hello':
        return this.#deliver(this.#target!, 'hello-read');
      case 'hello-read':
        return this.#answer(this.#target!);
      case 'welcome':
        return this.#deliver(this.from, 'welcome-read');
      case 'welcome-read':
        if (this.from.isReadable(this)) this.#dialling.welcomed(this, this.#target!);
        return;
      case 'refusal':
        return this.#deliver(this.from, 'refusal-read');
      case 'refusal-read':
        if (this.from.isReadable(this)) this.fail('refused');
        return;
    }
  }

  fail(evidence: LinkEvidence, by?: NodeId): void {
    if (this.settled) return;
    this.abandon();
    this.#dialling.ended(this, evidence, by);
  }

  succeed(): void {
    this.abandon();
    this.#dialling.ended(this, undefined, undefined);
  }

  /** Nobody wants to know how it ends. */
  abandon(): void {
    this.settled = true;
    this.timeout?.cancel();
  }

  /** At the target's kernel. */
  #arrive(): void {
    if (this.settled) return;
    const { paths, listeners } = this.#dialling;
    const from = this.from.host;
    const to = this.toHost;
    const rule = paths.dialRule(to);
    const isLost = paths.isCut(from, to) || paths.isCut(to, from);
    if (isLost || rule === 'drop' || !paths.hasPower(to)) return this.#after(this.#retryMs, 'syn-again');
    this.#target = listeners.at(to);
    if (rule !== 'allow' || this.#target === undefined)
      return this.#after(paths.latencyMs(to, from), 'refusal');
    this.#after(paths.latencyMs(to, from) + paths.latencyMs(from, to), 'hello');
  }

  /** The target's process has read the hello. */
  #answer(target: Sockets<M>): void {
    if (!target.isReadable(this)) return;
    const { paths } = this.#dialling;
    const from = this.from.host;
    const { host } = target;
    if (this.settled || paths.isCut(host, from) || !target.isOpen) return;
    this.#after(paths.latencyMs(host, from), 'welcome');
  }

  /** To a process, which reads it when it runs. */
  #deliver(sockets: Sockets<M>, stage: Stage): void {
    this.#stage = stage;
    sockets.endpoint.loop.deliver(this);
  }

  #after(delayMs: number, stage: Stage): void {
    this.#stage = stage;
    this.#dialling.clock.schedule(delayMs, this);
  }
}
