import type { Link } from '../link.js';
import { Fifo } from './fifo.js';

/** Room for one large payload: asked for before it is sent, given back when it has been taken. */
export class Claim {
  /** `lapsed`: its peer was away too long; the room is the node's again, unless the payload comes after all. */
  state: 'waiting' | 'granted' | 'lapsed' | 'given-back' = 'waiting';

  /** @param askedOn the link on which it was asked for last: one ask has one answer, on the same link */
  constructor(
    readonly share: BudgetShare,
    readonly stream: number,
    readonly free: boolean,
    readonly bytes: number,
    public askedOn: Link | undefined,
    readonly granted: (claim: Claim) => void,
  ) {}
}

/** What one peer holds of the budget, what has lapsed included. */
export class BudgetShare {
  messageBytes = 0;
  replyBytes = 0;

  book(claim: Claim, sign: 1 | -1): void {
    if (claim.free) this.replyBytes += sign * claim.bytes;
    else this.messageBytes += sign * claim.bytes;
  }
}

/** Of the budget, what one peer may hold, so that none can take it from all others. */
const PEER_SHARE = 0.5;

/** Of the budget, what messages may take that wait for a reader; the rest is left to replies. */
const MESSAGES_SHARE = 0.75;

/**
 * The budget of a node for payloads that are being put together, of all peers.
 *
 * A large message holds its room until it has been taken, a large reply only until it is complete. Replies keep
 * a share of their own: with the whole budget under messages whose handlers wait for large replies, two nodes
 * would wait for each other for good.
 */
export class ReassemblyBudget {
  #messageBytes = 0;
  #replyBytes = 0;
  #partBytes = 0;
  readonly #messages = new Fifo<Claim>();
  readonly #replies = new Fifo<Claim>();

  constructor(readonly limitBytes: number) {}

  /** Bytes that are spoken for. */
  get usedBytes(): number {
    return this.#messageBytes + this.#replyBytes + this.#partBytes;
  }

  /** Payloads that wait for a permit. */
  get waiting(): number {
    return this.#messages.length + this.#replies.length;
  }

  ask(claim: Claim): void {
    this.#line(claim.free).push(claim);
    this.#grant();
  }

  giveBack(claim: Claim): void {
    const { state } = claim;
    if (state === 'given-back') return;
    claim.state = 'given-back';
    if (state === 'waiting') {
      this.#line(claim.free).retain((waiting) => waiting !== claim);
      return;
    }
    claim.share.book(claim, -1);
    if (state === 'granted') this.#book(claim, -1);
    this.#grant();
  }

  /** The peer of a granted claim is away: others may have its room. It still counts against the peer's own share. */
  lapse(claim: Claim): void {
    claim.state = 'lapsed';
    this.#book(claim, -1);
    this.#grant();
  }

  /** The payload of a lapsed claim comes after all: it was promised room, and gets it at once. */
  restore(claim: Claim): void {
    claim.state = 'granted';
    this.#book(claim, 1);
  }

  /** Payloads within their stream's credit need no permit; what is half received of them only counts. */
  count(bytes: number): void {
    this.#partBytes += bytes;
    if (bytes < 0) this.#grant();
  }

  #grant(): void {
    this.#grantLine(this.#replies, (claim) => this.#fitsReply(claim));
    this.#grantLine(this.#messages, (claim) => this.#fitsMessage(claim));
  }

  /** In the order of asking; a peer that has its share is passed over, so that it holds up nobody else. */
  #grantLine(line: Fifo<Claim>, fits: (claim: Claim) => boolean): void {
    let full = false;
    const granted: Claim[] = [];
    line.retain((claim) => {
      if (full || !this.#withinShare(claim)) return true;
      full = !fits(claim);
      if (full) return true;
      claim.state = 'granted';
      claim.share.book(claim, 1);
      this.#book(claim, 1);
      granted.push(claim);
      return false;
    });
    for (const claim of granted) claim.granted(claim);
  }

  // One payload always fits when its account is empty: a budget below the largest payload must not block it for good.

  #withinShare({ share, free, bytes }: Claim): boolean {
    if ((free ? share.replyBytes : share.messageBytes) === 0) return true;
    return share.messageBytes + share.replyBytes + bytes <= this.limitBytes * PEER_SHARE;
  }

  #fitsReply(claim: Claim): boolean {
    return this.#replyBytes === 0 || this.usedBytes + claim.bytes <= this.limitBytes;
  }

  #fitsMessage(claim: Claim): boolean {
    if (this.#messageBytes === 0) return true;
    return (
      this.#messageBytes + claim.bytes <= this.limitBytes * MESSAGES_SHARE &&
      this.usedBytes + claim.bytes <= this.limitBytes
    );
  }

  #book(claim: Claim, sign: 1 | -1): void {
    if (claim.free) this.#replyBytes += sign * claim.bytes;
    else this.#messageBytes += sign * claim.bytes;
  }

  #line(free: boolean): Fifo<Claim> {
    return free ? this.#replies : this.#messages;
  }
}
