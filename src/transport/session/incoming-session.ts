import type { NodeId } from '../../node-id.js';
import type { Link } from '../link.js';
import type { IncomingMessage, Receipt } from '../transport.js';
import type { DataFrame, PermitRequestFrame, RejectFrame, SessionAnswer } from './frame.js';
import type { Inbox } from './inbox.js';
import { IncomingStream, type Assembly, type MessageHead, type Slot } from './incoming-stream.js';
import { MAX_UNACKED_FRAMES, META_BYTES, STREAMS, type TransportLimits } from './limits.js';
import { Claim, type ReassemblyBudget } from './reassembly.js';
import type { SessionTimer } from './world.js';

/** What an incoming session needs around it. */
export interface Receiver {
  readonly limits: TransportLimits;
  readonly budget: ReassemblyBudget;
  receive(message: IncomingMessage): Receipt;
  /** Asks for `flush` at the end of the turn. */
  due(session: IncomingSession): void;
  /** Asks for `fired` when its permits have outlived their link for long enough. */
  away(session: IncomingSession): void;
  back(session: IncomingSession): void;
}

/** A word for what a peer did wrong. */
export type Violation = 'sequence-gap' | 'over-credit' | 'malformed-message';

/** Everything that comes from one peer in one epoch: takes each frame once, in order (decisions 6). */
export class IncomingSession implements SessionTimer {
  /** The next sequence number to take. */
  expected = 0;
  /** Frames seen, repeated ones included; the watch compares it. */
  seen = 0;
  /** Stays without credit and without a link: its peer may come back. */
  kept = false;
  /** Stands in the list of those that flush at the end of the turn. */
  due = false;
  #granted = false;
  #ackDue = false;
  #link: Link | undefined;
  #ended = false;
  /** Rejects that the sender may not know of. */
  #rejects: RejectFrame[] = [];
  readonly #streams: (IncomingStream | undefined)[] = new Array<IncomingStream | undefined>(STREAMS).fill(
    undefined,
  );
  readonly #creditDue: IncomingStream[] = [];

  constructor(
    readonly epoch: number,
    readonly receiver: Receiver,
    readonly inbox: Inbox,
  ) {
    inbox.released = (stream) => this.#returned(stream);
    for (const stream of inbox.loaded) this.#stream(stream);
  }

  get granted(): boolean {
    return this.#granted;
  }

  /** The least credit that any stream of the peer has left. */
  get leastCredit(): number {
    return this.#streams.reduce((least, stream) => Math.min(least, stream?.creditLeft ?? least), Infinity);
  }

  /** Its streams, for audit.ts. */
  get streams(): readonly IncomingStream[] {
    return this.#streams.filter((stream) => stream !== undefined);
  }

  /** Lets the peer send; the first credit opens all of its streams. */
  grant(): void {
    if (this.#granted) return;
    this.#granted = true;
    this.kept = false;
    for (const stream of this.#streams) stream?.open();
    if (this.#link !== undefined) this.#tellCredit(this.#link);
  }

  /**
   * The peer counts as lost: it has no credit until it is granted anew. Where it stood is kept, so that nothing of it
   * is taken twice or called uncertain if it comes back.
   *
   * @returns false where that would keep a half-received payload in memory
   */
  suspend(): boolean {
    if (!this.#granted || this.#slots().some(({ assembly }) => assembly !== undefined)) return false;
    this.#granted = false;
    this.kept = true;
    this.#link = undefined;
    this.receiver.back(this);
    this.fired();
    return true;
  }

  /** Goes on with a new link: says again what may have been lost with the old one. */
  attach(link: Link, firstUnacked: number): void {
    this.#link = link;
    this.receiver.back(this);
    if (this.#granted) this.#tellCredit(link);
    this.#rejects = this.#rejects.filter((reject) => reject.seq >= firstUnacked);
    // Before the ack, which would settle them as received.
    for (const reject of this.#rejects) link.send(reject);
    if (this.expected > firstUnacked) link.send({ type: 'ack', expected: this.expected });
    this.#ackDue = false;
  }

  detach(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    if (this.#slots().some(({ claim }) => claim !== undefined)) this.receiver.away(this);
  }

  /** The peer is away: the room that it asked for and does not use goes to others. */
  fired(): void {
    const { budget } = this.receiver;
    if (this.#link !== undefined) return;
    for (const slot of this.#slots()) {
      if (slot.claim?.state === 'granted') budget.lapse(slot.claim);
      else if (slot.claim?.state === 'waiting') this.#dropClaim(slot);
    }
  }

  /** The sender is gone or begins a new epoch: half-received payloads are thrown away. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#link = undefined;
    this.inbox.released = undefined;
    this.receiver.back(this);
    for (const stream of this.streams) {
      for (const slot of stream.slots) {
        this.#dropClaim(slot);
        if (slot.assembly !== undefined) this.#dropAssembly(slot.assembly);
      }
      const paid = stream.slot(false).assembly;
      if (paid !== undefined) this.inbox.giveBack(stream.number, stream.price(paid.cost));
      for (const slot of stream.slots) slot.assembly = undefined;
    }
  }

  /** Takes a data frame; says what is wrong with it, if anything is. */
  data(frame: DataFrame): Violation | undefined {
    if (!this.#granted) return 'over-credit';
    this.seen++;
    if (frame.seq !== this.expected) {
      if (frame.seq > this.expected) return 'sequence-gap';
      this.#acknowledge();
      return undefined;
    }
    const stream = this.#stream(frame.stream);
    return frame.first && frame.last ? this.#whole(stream, frame) : this.#part(stream, frame);
  }

  /** Asks for room, takes the wish back (0 bytes), or asks again because the answer may have been lost. */
  permitRequest(frame: PermitRequestFrame): Violation | undefined {
    const { limits, budget } = this.receiver;
    if (!this.#granted) return 'over-credit';
    const { stream, free, bytes } = frame;
    const slot = this.#stream(stream).slot(free);
    const old = slot.claim;
    if (old !== undefined && old.bytes === bytes && old.state !== 'lapsed') {
      old.askedOn = this.#link;
      if (old.state === 'granted') this.#sendPermit(old);
      return undefined;
    }
    this.#dropClaim(slot);
    if (bytes === 0) return undefined;
    const claim = new Claim(this.inbox.share, stream, free, bytes, this.#link, (given) =>
      this.#sendPermit(given),
    );
    if (bytes > limits.payloadBytes + META_BYTES) {
      // Its first frame will be refused, and needs no room.
      this.#sendPermit(claim);
      return undefined;
    }
    slot.claim = claim;
    budget.ask(claim);
    return undefined;
  }

  /** Acknowledges and gives credit back, once for all that came in a turn. */
  flush(): void {
    this.due = false;
    const link = this.#link;
    if (link === undefined) return;
    if (this.#ackDue) {
      this.#ackDue = false;
      link.send({ type: 'ack', expected: this.expected });
    }
    if (!this.#granted) return;
    for (let stream = this.#creditDue.pop(); stream !== undefined; stream = this.#creditDue.pop()) {
      stream.creditDue = false;
      link.send(stream.credit());
    }
  }

  answer(): SessionAnswer {
    return { known: true, expected: this.expected };
  }

  /** A message of this stream, perhaps of an older epoch, was released: its credit goes back. */
  #returned(number: number): void {
    const stream = this.#stream(number);
    if (!this.#granted || stream.creditDue || !stream.worthTelling) return;
    stream.creditDue = true;
    this.#creditDue.push(stream);
    this.#due();
  }

  #whole(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const slot = stream.slot(frame.free);
    if (slot.assembly !== undefined || frame.totalBytes !== frame.chunk.length) return 'malformed-message';
    const cost = frame.chunk.length + frame.meta.length;
    if (cost > stream.permitAbove || frame.totalBytes > this.receiver.limits.payloadBytes) {
      return this.#part(stream, frame);
    }
    if (frame.free ? this.inbox.heldReplies >= this.receiver.limits.heldReplies : !stream.take(cost))
      return 'over-credit';
    this.#taken();
    this.#deliver(new Delivery(this, stream, frame, frame.chunk, frame.free, cost, undefined));
    return undefined;
  }

  #part(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const slot = stream.slot(frame.free);
    if (frame.chunk.length > this.receiver.limits.chunkBytes) return 'malformed-message';
    if (frame.first === (slot.assembly !== undefined)) return 'malformed-message';
    if (frame.first) {
      const violation = this.#begin(stream, frame);
      if (violation !== undefined) return violation;
    }
    const assembly = slot.assembly!;
    if (assembly.filled + frame.chunk.length > assembly.totalBytes) return 'malformed-message';
    assembly.bytes?.set(frame.chunk, assembly.filled);
    assembly.filled += frame.chunk.length;
    this.#taken();
    if (frame.last) this.#complete(stream, frame.free, assembly);
    return undefined;
  }

  #begin(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const { limits, budget } = this.receiver;
    const slot = stream.slot(frame.free);
    const { kind, meta, correlation, totalBytes, free } = frame;
    const cost = totalBytes + meta.length;
    const large = cost > stream.permitAbove;
    const refused = totalBytes > limits.payloadBytes;
    let claim: Claim | undefined;
    if (refused) {
      if (large) this.#dropClaim(slot);
    } else if (large) {
      claim = slot.claim;
      if (claim === undefined || claim.state === 'waiting' || claim.bytes !== cost) return 'over-credit';
    }
    if (free ? this.inbox.heldReplies >= limits.heldReplies : !stream.take(stream.price(cost)))
      return 'over-credit';
    if (claim !== undefined) {
      slot.claim = undefined;
      if (claim.state === 'lapsed') budget.restore(claim);
    } else if (!refused) {
      budget.count(cost);
    }
    // Not zeroed: nobody gets it before it is full.
    const bytes = refused ? undefined : new Uint8Array(Buffer.allocUnsafeSlow(totalBytes).buffer);
    slot.assembly = { kind, meta, correlation, bytes, totalBytes, filled: 0, cost, claim };
    if (refused)
      this.#reject({ type: 'reject', seq: frame.seq, reason: 'too-large', limitBytes: limits.payloadBytes });
    return undefined;
  }

  #complete(stream: IncomingStream, free: boolean, assembly: Assembly): void {
    stream.slot(free).assembly = undefined;
    const { claim, cost, bytes } = assembly;
    if (claim === undefined || free) this.#dropAssembly(assembly);
    const keptClaim = free ? undefined : claim;
    if (bytes === undefined || assembly.filled < bytes.length) {
      // Refused, or given up by the sender half-way.
      if (keptClaim !== undefined) this.receiver.budget.giveBack(keptClaim);
      if (!free) this.inbox.giveBack(stream.number, stream.price(cost));
      return;
    }
    this.#deliver(new Delivery(this, stream, assembly, bytes, free, cost, keptClaim));
  }

  #deliver(message: Delivery): void {
    const seq = this.expected - 1;
    this.inbox.hold(message.free);
    const receipt = this.receiver.receive(message);
    if (receipt === 'held') return;
    message.release();
    this.#reject({ type: 'reject', seq, reason: receipt, limitBytes: 0 });
  }

  #reject(reject: RejectFrame): void {
    // A sender has at most so many frames unacknowledged: older rejects have reached it.
    if (this.#rejects.length >= 2 * MAX_UNACKED_FRAMES) {
      this.#rejects = this.#rejects.filter((old) => old.seq >= this.expected - MAX_UNACKED_FRAMES);
    }
    this.#rejects.push(reject);
    this.#link?.send(reject);
  }

  #dropClaim(slot: Slot): void {
    if (slot.claim !== undefined) this.receiver.budget.giveBack(slot.claim);
    slot.claim = undefined;
  }

  #slots(): Slot[] {
    return this.#streams.flatMap((stream) => stream?.slots ?? []);
  }

  #dropAssembly(assembly: Assembly): void {
    if (assembly.bytes === undefined) return;
    if (assembly.claim === undefined) this.receiver.budget.count(-assembly.cost);
    else this.receiver.budget.giveBack(assembly.claim);
  }

  #taken(): void {
    this.expected++;
    this.#acknowledge();
  }

  #acknowledge(): void {
    this.#ackDue = true;
    this.#due();
  }

  /**
   * Says all totals: what was said before may have been lost with a link. The first one opens all streams with a
   * whole window, but those that were excepted before it.
   */
  #tellCredit(link: Link): void {
    const first = this.#stream(0);
    const totals = this.streams.map((stream) => stream.credit());
    for (const { number, reduced } of this.streams)
      if (reduced) link.send({ type: 'credit', stream: number, messages: 0, bytes: 0 });
    if (first.reduced) link.send(first.window);
    for (const total of totals) link.send(total);
  }

  #sendPermit(claim: Claim): void {
    if (claim.askedOn !== this.#link) return;
    this.#link?.send({ type: 'permit', stream: claim.stream, free: claim.free, bytes: claim.bytes });
  }

  #due(): void {
    if (this.due) return;
    this.due = true;
    this.receiver.due(this);
  }

  #stream(number: number): IncomingStream {
    return (this.#streams[number] ??= new IncomingStream(
      number,
      this.receiver.limits,
      this.inbox.load(number),
      this.#granted,
    ));
  }
}

/** A message in the inbox. */
class Delivery implements IncomingMessage {
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly correlation: number;
  #released = false;

  constructor(
    readonly session: IncomingSession,
    readonly origin: IncomingStream,
    head: MessageHead,
    readonly payload: Uint8Array,
    readonly free: boolean,
    readonly cost: number,
    readonly claim: Claim | undefined,
  ) {
    this.kind = head.kind;
    this.meta = head.meta;
    this.correlation = head.correlation;
  }

  get from(): NodeId {
    return this.session.inbox.from;
  }

  get stream(): number {
    return this.origin.number;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    const { inbox, receiver } = this.session;
    if (this.claim !== undefined) receiver.budget.giveBack(this.claim);
    inbox.release(this.stream, this.free, this.origin.price(this.cost));
  }
}
