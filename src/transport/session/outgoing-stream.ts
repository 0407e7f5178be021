import { Fifo } from './fifo.js';
import type { PermitFrame } from './frame.js';
import type { StreamStanding } from './incoming-stream.js';
import { Progress, type OutgoingMessage } from './message.js';

/** What a fresh stream may send, learnt from the first credit of an epoch. */
export interface Window {
  readonly messages: number;
  readonly bytes: number;
}

/** How permits are asked for, and given back. */
export interface Permits {
  ask(stream: OutgoingStream, message: OutgoingMessage): void;
  takeBack(stream: OutgoingStream, free: boolean): void;
  /** A message has begun to wait for credit. */
  starved(): void;
}

/** One order of messages: credited ones, or replies. */
class Line {
  readonly queue = new Fifo<OutgoingMessage>();
  /**
   * `unsure`: it was asked for, given or returned on a link that is gone; the receiver may have taken the room back
   * since, or have it booked still.
   */
  permit: 'none' | 'asked' | 'given' | 'returned' | 'unsure' = 'none';
  /** Aborted messages that still stand in the queue. */
  gone = 0;

  head(): OutgoingMessage | undefined {
    for (let head = this.queue.peek(); head !== undefined; head = this.queue.peek()) {
      if (head.progress !== Progress.Settled || head.framedBytes > 0) return head;
      this.queue.shift();
      this.gone--;
    }
    return undefined;
  }
}

/**
 * The messages of one stream that are not in frames yet. Replies stand in a line of their own: they need no
 * credit, so they must not wait behind messages that do.
 */
export class OutgoingStream {
  /** Whether it stands in the session's round. */
  scheduled = false;
  /** Whether its next message waits for credit. */
  starving = false;
  /** Not opened by the first credit of the link: messages of an older epoch fill its window in part. */
  excepted = false;
  readonly #credited = new Line();
  readonly #replies = new Line();
  #repliesTurn = true;
  #creditMessages = 0;
  #creditBytes = 0;
  #usedMessages = 0;
  #usedBytes = 0;
  /** Costs above need a permit; known from the first credit on, without which nothing is sent. */
  #permitAbove = 0;

  constructor(readonly number: number) {}

  get empty(): boolean {
    return this.#credited.queue.length === 0 && this.#replies.queue.length === 0;
  }

  /** Whether a turn in the round would be in vain. */
  get settled(): boolean {
    return this.empty && this.#credited.permit !== 'unsure' && this.#replies.permit !== 'unsure';
  }

  /** Messages or bytes that may still be sent, the lesser; see audit.ts. */
  get creditLeft(): number {
    return Math.min(this.#creditMessages - this.#usedMessages, this.#creditBytes - this.#usedBytes);
  }

  /** Totals, as the receiver has to know them; see audit.ts. */
  get standing(): StreamStanding {
    return {
      stream: this.number,
      credit: { messages: this.#creditMessages, bytes: this.#creditBytes },
      used: { messages: this.#usedMessages, bytes: this.#usedBytes },
    };
  }

  /** Whether a message may go at once, past the queues: nothing waits, and it needs no permit. */
  passes(message: OutgoingMessage): boolean {
    const isClear = this.empty && this.#credited.permit === 'none' && this.#replies.permit === 'none';
    return isClear && message.cost <= this.#permitAbove && (message.free || this.#affords(message));
  }

  push(message: OutgoingMessage): void {
    this.#line(message.free).queue.push(message);
  }

  /**
   * A message in a queue was settled and will never begin.
   *
   * @returns whether the permit that it had has to be given back
   */
  aborted(message: OutgoingMessage): boolean {
    const line = this.#line(message.free);
    const permitted = line.permit === 'given' && line.queue.peek() === message;
    if (permitted) line.permit = 'returned';
    line.gone++;
    // A head that waits for credit would otherwise gather aborted ones behind it without end.
    if (line.gone * 2 > line.queue.length) {
      line.queue.retain((waiting) => waiting.progress !== Progress.Settled || waiting.framedBytes > 0);
      line.gone = 0;
    }
    return permitted;
  }

  opened(window: Window): void {
    if (!this.excepted) this.credited(window);
    this.#permitAbove = Math.floor(window.bytes / 2);
  }

  credited(frame: Window): void {
    this.#creditMessages = Math.max(this.#creditMessages, frame.messages);
    this.#creditBytes = Math.max(this.#creditBytes, frame.bytes);
  }

  /** @returns whether the permit was wanted; one that is not has to be given back */
  permitted(frame: PermitFrame): boolean {
    const line = this.#line(frame.free);
    if (line.permit === 'none') line.permit = 'returned';
    if (line.permit !== 'asked') return false;
    const head = line.head();
    const wanted = head !== undefined && head.framedBytes === 0 && head.cost === frame.bytes;
    line.permit = wanted ? 'given' : 'returned';
    return wanted;
  }

  /**
   * A link is gone, and perhaps a permit with it. That is cleared up in `ready` on the next one, which comes after
   * the frames that are sent again: one of them may still need the permit that the receiver holds now.
   */
  unlinked(): void {
    for (const line of [this.#credited, this.#replies]) if (line.permit !== 'none') line.permit = 'unsure';
  }

  /** The receiver has forgotten everything: what had begun begins again, or is dropped if it was given up. */
  newEpoch(drop: (message: OutgoingMessage) => void): void {
    this.#creditMessages = this.#creditBytes = this.#usedMessages = this.#usedBytes = 0;
    this.#permitAbove = 0;
    this.starving = false;
    for (const line of [this.#credited, this.#replies]) {
      line.permit = 'none';
      const head = line.head();
      if (head === undefined || head.framedBytes === 0) continue;
      if (head.progress === Progress.Settled) drop(line.queue.shift()!);
      else head.rewind();
    }
  }

  /** The line that may give a frame now, in turn; undefined when both wait. */
  ready(permits: Permits): OutgoingMessage | undefined {
    const first = this.#repliesTurn ? this.#replies : this.#credited;
    const second = this.#repliesTurn ? this.#credited : this.#replies;
    const message = this.#readyHead(first, permits) ?? this.#readyHead(second, permits);
    if (message !== undefined) this.#repliesTurn = !message.free;
    return message;
  }

  /** Pays for a message that begins, and takes it out of its queue once it has given its last frame. */
  framed(message: OutgoingMessage, began: boolean, last: boolean): void {
    const line = this.#line(message.free);
    if (began) this.#pay(message, line);
    if (last) line.queue.shift();
  }

  /** All that is queued, taken out. */
  drain(each: (message: OutgoingMessage) => void): void {
    for (const line of [this.#credited, this.#replies]) {
      for (let next = line.queue.shift(); next !== undefined; next = line.queue.shift()) each(next);
      line.gone = 0;
    }
  }

  #readyHead(line: Line, permits: Permits): OutgoingMessage | undefined {
    const head = line.head();
    const mayBegin = head !== undefined && head.framedBytes === 0;
    const large = mayBegin && head.cost > this.#permitAbove;
    if (line.permit === 'unsure') {
      line.permit = large ? 'none' : 'returned';
      if (!large) permits.takeBack(this, line === this.#replies);
    }
    if (!mayBegin) return head;
    if (!large) return head.free || this.#affords(head) ? head : this.#starve(permits);
    if (line.permit === 'given')
      return head.free || this.#creditMessages > this.#usedMessages ? head : undefined;
    if (line.permit === 'none' || line.permit === 'returned') {
      line.permit = 'asked';
      permits.ask(this, head);
    }
    return undefined;
  }

  #starve(permits: Permits): undefined {
    if (!this.starving) permits.starved();
    this.starving = true;
  }

  #affords(message: OutgoingMessage): boolean {
    return this.#creditMessages > this.#usedMessages && this.#creditBytes - this.#usedBytes >= message.cost;
  }

  #pay(message: OutgoingMessage, line: Line): void {
    const permitted = line.permit === 'given';
    // One that was asked for by a message that is gone stays asked for, until the answer tells.
    if (permitted) line.permit = 'none';
    if (message.free) return;
    this.#usedMessages++;
    if (!permitted) this.#usedBytes += message.cost;
  }

  #line(free: boolean): Line {
    return free ? this.#replies : this.#credited;
  }
}
