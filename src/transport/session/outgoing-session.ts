import { SendQueueFullError } from '../../errors.js';
import type { Link } from '../link.js';
import { notDelivered, perhapsReceived } from './certainty.js';
import { Fifo } from './fifo.js';
import { FrameRing } from './frame-ring.js';
import type { CreditFrame, PermitFrame, RejectFrame, SessionAnswer, SessionOffer } from './frame.js';
import { MAX_UNACKED_FRAMES, STREAMS, type TransportLimits } from './limits.js';
import { Progress, type OutgoingMessage } from './message.js';
import type { StreamStanding } from './incoming-stream.js';
import { OutgoingStream, type Permits, type Window } from './outgoing-stream.js';
import { rejection } from './rejection.js';
import type { Counters } from './world.js';

/**
 * Everything that goes from this node to one peer, exactly once and in order per stream (decisions 6).
 *
 * Frames are kept until they are acknowledged and sent again on the next link from where the receiver stands. A
 * receiver that does not know the session any more begins a new epoch: what it may have had is uncertain and
 * never sent again.
 */
export class OutgoingSession implements Permits {
  readonly #ring = new FrameRing();
  readonly #streams: (OutgoingStream | undefined)[] = new Array<OutgoingStream | undefined>(STREAMS).fill(
    undefined,
  );
  readonly #round = new Fifo<OutgoingStream>();
  #window: Window | undefined;
  #link: Link | undefined;
  #writable = false;
  /** Whether the current link has brought credit: before it, the receiver takes no data frame. */
  #open = false;
  /** The next frame to give to the current link; below `ring.next` while frames are sent again. */
  #cursor = 0;
  #messages = 0;
  #bytes = 0;

  readonly #drop = (message: OutgoingMessage): void => this.#gone(message);

  /** Whether any link has ever carried this session. */
  met = false;

  /** @param epoch a random number, so that a session which was forgotten is never taken for another one */
  constructor(
    public epoch: number,
    readonly limits: TransportLimits,
    readonly counters: Counters,
  ) {}

  /** Where this side stands, for the handshake. */
  get offer(): SessionOffer {
    return { epoch: this.epoch, firstUnacked: this.#ring.first };
  }

  /** Whether something waits that needs a link: for sending, or for its acknowledgement. */
  get pending(): boolean {
    return this.#ring.length > 0 || this.#queued();
  }

  /** Whether frames wait for an acknowledgement. */
  get unacked(): boolean {
    return this.#ring.length > 0;
  }

  /** Grows with every acknowledged frame; the watch compares it. */
  get acknowledged(): number {
    return this.#ring.first;
  }

  get sent(): number {
    return this.#ring.next;
  }

  /** What stands in the books; see audit.ts. */
  get load(): { readonly messages: number; readonly bytes: number; readonly frames: number } {
    return { messages: this.#messages, bytes: this.#bytes, frames: this.#ring.length };
  }

  /** The least credit that any stream has left. */
  get leastCredit(): number {
    return this.#streams.reduce((least, stream) => Math.min(least, stream?.creditLeft ?? least), Infinity);
  }

  get standing(): readonly StreamStanding[] {
    return this.#streams.flatMap((stream) => stream?.standing ?? []);
  }

  /** Takes a message over; it is settled at once when the queue is full. */
  send(message: OutgoingMessage): void {
    if (!message.free && this.#full(message)) {
      message.settle(new SendQueueFullError(this.#fullMessage()));
      return;
    }
    if (!message.free) {
      this.#messages++;
      this.#bytes += message.cost;
    }
    message.session = this;
    const stream = this.#stream(message.stream);
    if (this.#passes(stream, message)) return this.#write(this.#link!, stream, message);
    stream.push(message);
    this.#schedule(stream);
    this.pump();
  }

  /** Moves what another session has queued and never begun here. */
  adopt(other: OutgoingSession): void {
    for (const stream of other.#streams) stream?.drain((message) => this.send(message));
  }

  /** Gives a message up: its promise says what is certain. */
  abort(message: OutgoingMessage, why: string, cause?: unknown): void {
    const { progress } = message;
    const stream = this.#streams[message.stream];
    if (progress === Progress.Settled || stream === undefined) return;
    if (progress === Progress.Written) {
      message.settle(perhapsReceived(why, cause));
      this.#detachBuffer(message);
      return;
    }
    message.settle(notDelivered(why, cause));
    if (message.framedBytes === 0) {
      this.#gone(message);
      if (stream.aborted(message)) this.takeBack(stream, message.free);
      message.dropPayload();
    } else {
      this.#cutShort(message);
    }
  }

  /** Goes on with a new link, from where the receiver says it stands. False when that cannot be. */
  attach(link: Link, answer: SessionAnswer): boolean {
    if (answer.known) {
      if (answer.expected < this.#ring.first || answer.expected > this.#ring.next) return false;
      if (this.#ring.length > 0) this.counters.resumed++;
      this.#cursor = answer.expected;
    } else {
      if (this.met) this.counters.unknown++;
      if (this.unacked) this.counters.unknownInFlight++;
      this.#newEpoch();
    }
    this.met = true;
    this.#link = link;
    this.#writable = true;
    this.#open = false;
    for (const stream of this.#streams) {
      if (stream === undefined) continue;
      stream.excepted = false;
      this.#schedule(stream);
    }
    return true;
  }

  detach(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    for (const stream of this.#streams) stream?.unlinked();
  }

  drained(): void {
    this.#writable = true;
    this.pump();
  }

  /** False when the peer acknowledges what was never sent. */
  acked(expected: number): boolean {
    const ring = this.#ring;
    if (expected > ring.next) return false;
    const capped = ring.length >= MAX_UNACKED_FRAMES;
    while (ring.first < expected) {
      const frame = ring.shift();
      if (!frame.last) continue;
      frame.message.settle(undefined);
      this.#gone(frame.message);
    }
    if (this.#cursor < ring.first) this.#cursor = ring.first;
    if (capped) this.pump();
    return true;
  }

  rejected(frame: RejectFrame): void {
    const ring = this.#ring;
    if (frame.seq < ring.first || frame.seq >= ring.next) return;
    const { message } = ring.at(frame.seq);
    if (message.progress === Progress.Settled) return;
    message.settle(rejection(frame, message));
    if (message.framedBytes < message.totalBytes) this.#cutShort(message);
  }

  credited(frame: CreditFrame): void {
    const { messages, bytes } = frame;
    const stream = this.#stream(frame.stream);
    if (!this.#open && messages === 0) {
      stream.excepted = true;
      return;
    }
    const first = !this.#open;
    this.#open = true;
    if (this.#window === undefined) {
      this.#window = { messages, bytes };
      for (const known of this.#streams) this.#opened(known, this.#window);
    } else if (!first || !stream.excepted) {
      stream.credited(frame);
      this.#schedule(stream);
    }
    this.pump();
  }

  permitted(frame: PermitFrame): void {
    const stream = this.#stream(frame.stream);
    if (!stream.permitted(frame)) this.takeBack(stream, frame.free);
    this.#schedule(stream);
    this.pump();
  }

  ask(stream: OutgoingStream, message: OutgoingMessage): void {
    this.#link?.send({
      type: 'permit-request',
      stream: stream.number,
      free: message.free,
      bytes: message.cost,
    });
  }

  starved(): void {
    this.counters.creditExhausted++;
  }

  takeBack(stream: OutgoingStream, free: boolean): void {
    this.#link?.send({ type: 'permit-request', stream: stream.number, free, bytes: 0 });
  }

  /** Gives frames to the link: first those to be sent again, then one of each stream in turn. */
  pump(): void {
    const link = this.#link;
    const ring = this.#ring;
    if (link === undefined || !this.#open) return;
    while (this.#writable && this.#cursor < ring.next) this.#writable = link.send(ring.at(this.#cursor++));
    while (this.#writable && ring.length < MAX_UNACKED_FRAMES) {
      const stream = this.#round.peek();
      if (stream === undefined) return;
      const message = stream.ready(this);
      if (message === undefined) {
        this.#round.shift();
        stream.scheduled = false;
        continue;
      }
      this.#turn(stream);
      this.#write(link, stream, message);
    }
  }

  /**
   * The peer is gone, out of reach, or this side closes: everything settles. What was not written gets the error
   * that `unwritten` makes; what was is uncertain, or what `written` makes, and never sent again, so the next link
   * begins a new epoch.
   */
  abandon(why: string, unwritten = notDelivered, written = perhapsReceived): void {
    this.#failUnacked(why, written);
    for (const stream of this.#streams) {
      stream?.drain((message) => {
        if (message.progress === Progress.Settled && message.framedBytes === 0) return;
        this.#gone(message);
        message.settle(unwritten(why));
      });
    }
    this.#newEpoch();
  }

  /** Whether nothing is before a message that goes into one frame: then it needs no queue. */
  #passes(stream: OutgoingStream, message: OutgoingMessage): boolean {
    const ring = this.#ring;
    return (
      this.#link !== undefined &&
      this.#open &&
      this.#writable &&
      this.#round.length === 0 &&
      this.#cursor === ring.next &&
      ring.length < MAX_UNACKED_FRAMES &&
      message.small &&
      stream.passes(message)
    );
  }

  #write(link: Link, stream: OutgoingStream, message: OutgoingMessage): void {
    const ring = this.#ring;
    const began = message.framedBytes === 0;
    const frame = message.nextFrame(ring.next);
    ring.push(frame);
    this.#cursor = ring.next;
    stream.framed(message, began, frame.last);
    if (began) this.counters.messagesOut++;
    if (began && stream.starving && !message.free) {
      stream.starving = false;
      this.counters.creditReturned++;
    }
    this.#writable = link.send(frame);
  }

  /** Sends the stream to the end of the round, if others stand in it. */
  #turn(stream: OutgoingStream): void {
    if (this.#round.length === 1) return;
    this.#round.shift();
    this.#round.push(stream);
  }

  #schedule(stream: OutgoingStream): void {
    if (stream.scheduled || stream.settled) return;
    stream.scheduled = true;
    this.#round.push(stream);
  }

  #stream(number: number): OutgoingStream {
    const known = this.#streams[number];
    if (known !== undefined) return known;
    const stream = new OutgoingStream(number);
    this.#streams[number] = stream;
    if (this.#window !== undefined) stream.opened(this.#window);
    return stream;
  }

  #opened(stream: OutgoingStream | undefined, window: Window): void {
    if (stream === undefined) return;
    stream.opened(window);
    this.#schedule(stream);
  }

  #newEpoch(): void {
    this.#failUnacked('The recipient has forgotten this session');
    this.epoch++;
    this.#ring.first = this.#ring.next = this.#cursor = 0;
    this.#window = undefined;
    for (const stream of this.#streams) stream?.newEpoch(this.#drop);
  }

  /** Empties the ring. A message whose last frame was not written stays in its queue. */
  #failUnacked(why: string, written = perhapsReceived): void {
    const ring = this.#ring;
    while (ring.length > 0) {
      const { last, message } = ring.shift();
      if (!last) continue;
      message.settle(written(why));
      this.#gone(message);
    }
    this.#cursor = ring.next;
  }

  /** A settled message that has begun ends with an empty chunk, so that its stream goes on. */
  #cutShort(message: OutgoingMessage): void {
    this.#detachBuffer(message);
    this.#schedule(this.#stream(message.stream));
    this.pump();
  }

  /** The caller may change its buffer now: frames that wait, or may be sent again, get bytes of their own. (A `slice` of a Buffer is a view.) */
  #detachBuffer(message: OutgoingMessage): void {
    if (message.small) {
      this.#link?.detach?.(message.chunk);
      message.chunk = new Uint8Array(message.chunk);
      return;
    }
    const whole = message.framedBytes === message.totalBytes;
    for (let seq = this.#ring.first; seq < this.#ring.next; seq++) {
      const frame = this.#ring.at(seq);
      if (frame.message !== message) continue;
      // The receiver throws an unfinished message away, so its bytes do not matter.
      this.#link?.detach?.(frame.chunk);
      frame.chunk = whole ? new Uint8Array(frame.chunk) : frame.chunk.subarray(0, 0);
    }
    message.dropPayload();
  }

  #full(message: OutgoingMessage): boolean {
    if (this.#messages === 0) return false;
    return (
      this.#messages >= this.limits.sendQueueMessages ||
      this.#bytes + message.cost > this.limits.sendQueueBytes
    );
  }

  #fullMessage(): string {
    const { sendQueueMessages, sendQueueBytes } = this.limits;
    return (
      `${this.#messages} messages of ${this.#bytes} bytes wait for this recipient already: await some first ` +
      `(limits.sendQueueMessages is ${sendQueueMessages}, limits.sendQueueBytes ${sendQueueBytes})`
    );
  }

  #gone(message: OutgoingMessage): void {
    if (message.free) return;
    this.#messages--;
    this.#bytes -= message.cost;
  }

  #queued(): boolean {
    for (const stream of this.#streams) if (stream !== undefined && !stream.empty) return true;
    return false;
  }
}
