import { formatAddress, type Address } from '../address.js';
import type { Clock } from '../clock.js';
import { clip, type ClusterError, type ProtocolViolationError } from '../errors.js';
import type { Member } from '../membership/membership.js';
import type { ProtocolNotice } from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';
import type { ThrottledLog } from '../throttled-log.js';
import { Lag } from './lag.js';
import { describe } from './node-log.js';
import type { ResolvedOptions } from './options.js';

/** How many addresses a warning names. */
const NAMED_ADDRESSES = 3;

/** What notices lead to. */
export interface NoticeListener {
  isAlone(): boolean;
  member(id: NodeId): Member | undefined;
  /** A join has succeeded, or there is nobody to join. */
  joined(): void;
  identityLost(error: ClusterError): void;
  leaveSpread(): void;
  error(error: ClusterError): void;
}

/** What a protocol tells besides events: written to the log, counted, and passed on where somebody has to act. */
export class Notices {
  #warnedOfSilence = false;
  readonly #violations: Record<string, number> = {};
  #stalls = 0;
  #stalledMs = 0;
  readonly #lag: Lag;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly log: ThrottledLog,
    clock: Clock,
    private readonly listener: NoticeListener,
  ) {
    this.#lag = new Lag(clock);
  }

  /** Times that the event loop stood still, for how long in all, and for how long lately. */
  get stalls(): { readonly count: number; readonly totalMs: number; readonly lagMs: number } {
    return { count: this.#stalls, totalMs: this.#stalledMs, lagMs: this.#lag.ms };
  }

  take(notice: ProtocolNotice): void {
    switch (notice.type) {
      case 'join-completed':
        this.#warnedOfSilence = false;
        return this.listener.joined();
      case 'join-failed':
        this.#warnOfSilence(notice.addresses);
        return this.listener.joined();
      case 'join-refused':
      case 'address-conflict':
      case 'name-conflict':
        return this.warn(notice.error);
      case 'identity-lost':
        return this.listener.identityLost(notice.error);
      case 'leave-completed':
        return this.listener.leaveSpread();
      case 'refuted': {
        const accuser = this.listener.member(notice.accuser);
        const who = accuser === undefined ? notice.accuser : describe(accuser);
        return this.log.debug('refuted', `Refuted a suspicion by ${who}`);
      }
    }
  }

  /** What peers sent that no peer sends, by the violation's word. */
  get violations(): Readonly<Record<string, number>> {
    return { ...this.#violations };
  }

  violation(from: NodeId, { violation, message }: ProtocolViolationError): void {
    this.#violations[violation] = (this.#violations[violation] ?? 0) + 1;
    this.log.warn(`violation ${violation}`, `${from} broke the protocol (${violation}): ${message}`);
  }

  /** A peer sent a value that our serializer does not read. */
  unreadable(from: NodeId, error: unknown): void {
    this.#violations['unreadable'] = (this.#violations['unreadable'] ?? 0) + 1;
    this.log.warn('unreadable', `A message from ${from} cannot be read: ${clip(String(error))}`);
  }

  stalled(ms: number): void {
    this.#stalls++;
    this.#stalledMs += ms;
    this.#lag.add(ms);
    this.log.debug('stall', `The event loop stood still for ${Math.round(ms)} ms`);
  }

  warn(error: ClusterError): void {
    this.log.warn(error.message, error.message);
    this.listener.error(error);
  }

  /** Once, until somebody answers. Where nodes try the ports of this machine, silence is nothing to speak of. */
  #warnOfSilence(addresses: readonly Address[]): void {
    const { discovery, logger } = this.options;
    if (this.#warnedOfSilence || discovery?.portRange !== undefined || !this.listener.isAlone()) return;
    this.#warnedOfSilence = true;
    const named = addresses.slice(0, NAMED_ADDRESSES).map(formatAddress).join(', ');
    const more = addresses.length > NAMED_ADDRESSES ? ', …' : '';
    logger.warn(`Alone: none of these addresses leads to a cluster: ${named}${more}. Still trying`);
  }
}
