import type { NodeId } from '../../node-id.js';
import type { Link } from '../link.js';
import type { IncomingMessage, Receipt } from '../transport.js';
import type { DataFrame, PermitRequestFrame, RejectFrame, SessionAnswer } from './frame.js';
import { IncomingStream, type Assembly } from './incoming-stream.js';
import { CHUNK_BYTES, MAX_UNACKED_FRAMES, META_BYTES, STREAMS, type TransportLimits } from './limits.js';
import { Claim, type ReassemblyBudget } from './reassembly.js';

/** What an incoming session needs around it. */
export interface Receiver {
  readonly limits: TransportLimits;
  readonly budget: ReassemblyBudget;
  receive(message: IncomingMessage): Receipt;
  /** Asks for `flush` at the end of the turn. */
  due(session: IncomingSession): void;
}

/** A word for what a peer did wrong. */
export type Violation = 'sequence-gap' | 'over-credit' | 'malformed-message' | 'oversized-payload';

/** Everything that comes from one peer in one epoch: takes each frame once, in order (decisions 6). */
export class IncomingSession {
  /** The next sequence number to take. */
  expected = 0;
  /** Frames seen, repeated ones included; the watch compares it. */
  seen = 0;
  /** Messages that were handed over and not released. */
  held = 0;
  /** Stands in the list of those that flush at the end of the turn. */
  due = false;
  #granted = false;
  #heldReplies = 0;
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
    readonly from: NodeId,
    readonly epoch: number,
    readonly receiver: Receiver,
  ) {}

  get granted(): boolean {
    return this.#granted;
  }

  /** Lets the peer send; the first credit opens all of its streams. */
  grant(): void {
    if (this.#granted) return;
    this.#granted = true;
    for (const stream of this.#streams) stream?.open();
    this.#link?.send(this.#stream(0).credit());
  }

  /** Goes on with a new link: says again what may have been lost with the old one. */
  attach(link: Link, firstUnacked: number): void {
    this.#link = link;
    if (this.#granted) {
      link.send(this.#stream(0).credit());
      for (const stream of this.#streams)
        if (stream !== undefined && stream.number !== 0) link.send(stream.credit());
    }
    this.#rejects = this.#rejects.filter((reject) => reject.seq >= firstUnacked);
    // Before the ack, which would settle them as received.
    for (const reject of this.#rejects) link.send(reject);
    if (this.expected > firstUnacked) link.send({ type: 'ack', expected: this.expected });
    this.#ackDue = false;
  }

  detach(link: Link): void {
    if (this.#link === link) this.#link = undefined;
  }

  /** The sender is gone or begins a new epoch: half-received payloads are thrown away. */
  end(): void {
    this.#ended = true;
    this.#link = undefined;
    for (const stream of this.#streams) {
      if (stream === undefined) continue;
      for (const slot of stream.slots) {
        if (slot.claim !== undefined) this.receiver.budget.giveBack(slot.claim);
        if (slot.assembly !== undefined) this.#dropAssembly(slot.assembly);
        slot.claim = slot.assembly = undefined;
      }
    }
  }

  /** Takes a data frame; says what is wrong with it, if anything is. */
  data(frame: DataFrame): Violation | undefined {
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
    const slot = this.#stream(frame.stream).slot(frame.free);
    if (frame.bytes > limits.payloadBytes + META_BYTES) return 'oversized-payload';
    const old = slot.claim;
    if (old !== undefined && old.bytes === frame.bytes) {
      old.askedOn = this.#link;
      if (old.state === 'granted') this.#sendPermit(old);
      return undefined;
    }
    slot.claim = undefined;
    if (old !== undefined) budget.giveBack(old);
    if (frame.bytes === 0) return undefined;
    slot.claim = new Claim(frame.stream, frame.free, frame.bytes, this.#link, (claim) =>
      this.#sendPermit(claim),
    );
    budget.ask(slot.claim);
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
    for (let stream = this.#creditDue.pop(); stream !== undefined; stream = this.#creditDue.pop()) {
      stream.creditDue = false;
      link.send(stream.credit());
    }
  }

  answer(): SessionAnswer {
    return { known: true, expected: this.expected };
  }

  /** A message was taken: its credit goes back. */
  released(stream: IncomingStream, cost: number, free: boolean, claim: Claim | undefined): void {
    this.held--;
    if (claim !== undefined) this.receiver.budget.giveBack(claim);
    if (free) {
      this.#heldReplies--;
      return;
    }
    if (!stream.released(claim === undefined ? cost : 0) || stream.creditDue || this.#ended) return;
    stream.creditDue = true;
    this.#creditDue.push(stream);
    this.#due();
  }

  #whole(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const slot = stream.slot(frame.free);
    if (slot.assembly !== undefined || frame.totalBytes !== frame.chunk.length) return 'malformed-message';
    const cost = frame.chunk.length + frame.meta.length;
    if (cost > stream.permitAbove && (!frame.free || slot.claim !== undefined)) {
      return this.#part(stream, frame);
    }
    if (frame.free ? this.#heldReplies >= this.receiver.limits.heldReplies : !stream.take(cost))
      return 'over-credit';
    this.#taken();
    this.#deliver(stream, frame.kind, frame.meta, frame.chunk, frame.free, cost, undefined);
    return undefined;
  }

  #part(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const slot = stream.slot(frame.free);
    if (frame.chunk.length > CHUNK_BYTES) return 'malformed-message';
    if (frame.first === (slot.assembly !== undefined)) return 'malformed-message';
    if (frame.first) {
      const violation = this.#begin(stream, frame);
      if (violation !== undefined) return violation;
    }
    const assembly = slot.assembly!;
    if (assembly.filled + frame.chunk.length > assembly.bytes.length) return 'malformed-message';
    assembly.bytes.set(frame.chunk, assembly.filled);
    assembly.filled += frame.chunk.length;
    this.#taken();
    if (frame.last) this.#complete(stream, frame.free, assembly);
    return undefined;
  }

  #begin(stream: IncomingStream, frame: DataFrame): Violation | undefined {
    const { limits, budget } = this.receiver;
    const slot = stream.slot(frame.free);
    const cost = frame.totalBytes + frame.meta.length;
    if (frame.totalBytes > limits.payloadBytes) return 'oversized-payload';
    let claim: Claim | undefined;
    if (cost > stream.permitAbove) {
      claim = slot.claim;
      if (claim?.state !== 'granted' || claim.bytes !== cost) return 'over-credit';
    }
    if (frame.free ? this.#heldReplies >= limits.heldReplies : !stream.take(claim === undefined ? cost : 0)) {
      return 'over-credit';
    }
    if (claim === undefined) budget.count(cost);
    else slot.claim = undefined;
    const bytes = new Uint8Array(frame.totalBytes);
    slot.assembly = { kind: frame.kind, meta: frame.meta, bytes, filled: 0, cost, claim };
    return undefined;
  }

  #complete(stream: IncomingStream, free: boolean, assembly: Assembly): void {
    stream.slot(free).assembly = undefined;
    const { claim, cost, bytes } = assembly;
    if (claim === undefined || free) this.#dropAssembly(assembly);
    const keptClaim = free ? undefined : claim;
    if (assembly.filled < bytes.length) {
      // The sender gave it up half-way.
      this.#hold(free);
      this.released(stream, cost, free, keptClaim);
      return;
    }
    this.#deliver(stream, assembly.kind, assembly.meta, bytes, free, cost, keptClaim);
  }

  #deliver(
    stream: IncomingStream,
    kind: number,
    meta: Uint8Array,
    payload: Uint8Array,
    free: boolean,
    cost: number,
    claim: Claim | undefined,
  ): void {
    const seq = this.expected - 1;
    this.#hold(free);
    const message = new Delivery(this, stream, kind, meta, payload, free, cost, claim);
    const receipt = this.receiver.receive(message);
    if (receipt === 'held') return;
    message.release();
    this.#reject({ type: 'reject', seq, reason: receipt });
  }

  #hold(free: boolean): void {
    this.held++;
    if (free) this.#heldReplies++;
  }

  #reject(reject: RejectFrame): void {
    // A sender has at most so many frames unacknowledged: older rejects have reached it.
    if (this.#rejects.length >= 2 * MAX_UNACKED_FRAMES) {
      this.#rejects = this.#rejects.filter((old) => old.seq >= this.expected - MAX_UNACKED_FRAMES);
    }
    this.#rejects.push(reject);
    this.#link?.send(reject);
  }

  #dropAssembly(assembly: Assembly): void {
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
    return (this.#streams[number] ??= new IncomingStream(number, this.receiver.limits, this.#granted));
  }
}

/** A message in the inbox. */
class Delivery implements IncomingMessage {
  #released = false;

  constructor(
    readonly session: IncomingSession,
    readonly origin: IncomingStream,
    readonly kind: number,
    readonly meta: Uint8Array,
    readonly payload: Uint8Array,
    readonly free: boolean,
    readonly cost: number,
    readonly claim: Claim | undefined,
  ) {}

  get from(): NodeId {
    return this.session.from;
  }

  get stream(): number {
    return this.origin.number;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.session.released(this.origin, this.cost, this.free, this.claim);
  }
}
