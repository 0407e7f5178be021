import type { Link } from '../link.js';
import { Fifo } from './fifo.js';

/** Room for one large payload: asked for before it is sent, given back when it has been taken. */
export class Claim {
  state: 'waiting' | 'granted' | 'given-back' = 'waiting';

  /** @param askedOn the link on which it was asked for last: one ask has one answer, on the same link */
  constructor(
    readonly stream: number,
    readonly free: boolean,
    readonly bytes: number,
    public askedOn: Link | undefined,
    readonly granted: (claim: Claim) => void,
  ) {}
}

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

  ask(claim: Claim): void {
    this.#line(claim.free).push(claim);
    this.#grant();
  }

  giveBack(claim: Claim): void {
    if (claim.state === 'given-back') return;
    const granted = claim.state === 'granted';
    claim.state = 'given-back';
    if (!granted) {
      this.#line(claim.free).retain((waiting) => waiting !== claim);
      return;
    }
    if (claim.free) this.#replyBytes -= claim.bytes;
    else this.#messageBytes -= claim.bytes;
    this.#grant();
  }

  /** Payloads within their stream's credit need no permit; what is half received of them only counts. */
  count(bytes: number): void {
    this.#partBytes += bytes;
    if (bytes < 0) this.#grant();
  }

  #grant(): void {
    for (
      let next = this.#replies.peek();
      next !== undefined && this.#fitsReply(next);
      next = this.#replies.peek()
    ) {
      this.#replyBytes += next.bytes;
      this.#granted(this.#replies);
    }
    for (
      let next = this.#messages.peek();
      next !== undefined && this.#fitsMessage(next);
      next = this.#messages.peek()
    ) {
      this.#messageBytes += next.bytes;
      this.#granted(this.#messages);
    }
  }

  #granted(line: Fifo<Claim>): void {
    const claim = line.shift()!;
    claim.state = 'granted';
    claim.granted(claim);
  }

  // One payload always fits when its account is empty: a budget below the largest payload must not block it for good.

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

  #line(free: boolean): Fifo<Claim> {
    return free ? this.#replies : this.#messages;
  }
}
