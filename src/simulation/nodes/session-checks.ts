import { decodeMeta } from '../../cluster/messaging/envelope.js';
import type { NodeId } from '../../node-id.js';
import type { DataFrame, Frame, SessionAnswer, SessionOffer } from '../../transport/session/frame.js';
import type { OutgoingFrame } from '../../transport/session/message.js';
import { NUMBER_HEADER, type DeliveryChecks } from './delivery-checks.js';
import type { Findings } from './findings.js';
import { FrameDigest } from './frame-digest.js';
import type { FrameWatcher } from './link-tap.js';

/**
 * The session's promises, as its frames show them (decisions 6): a receiver that gave a sender credit knows its
 * session until it has forgotten the sender, and what was written in one epoch is not written in another.
 */
export class SessionChecks {
  readonly digest = new FrameDigest();
  /** The epoch in which a receiver has given a sender credit: it must know that one when it is asked. */
  readonly #credited = new Map<string, number>();
  #links = 0;

  constructor(
    readonly findings: Findings,
    readonly delivery: DeliveryChecks,
    readonly nowMs: () => number,
  ) {}

  /** Watches one end of a link of a node. */
  watch(id: NodeId, role: 'dialled' | 'accepted'): FrameWatcher {
    return new LinkEnd(this, id, role, this.#links++);
  }

  /** A node has told its transport that a member is gone. */
  forgotten(by: NodeId, id: NodeId): void {
    this.#credited.delete(pair(by, id));
  }

  credited(by: NodeId, sender: NodeId, epoch: number): void {
    this.#credited.set(pair(by, sender), epoch);
  }

  unknown(by: NodeId, sender: NodeId, offered: number): void {
    if (this.#credited.get(pair(by, sender)) !== offered) return;
    this.findings.add(
      'resume',
      `${by} does not know the session of ${sender} any more, to which it has given credit`,
    );
  }
}

function pair(receiver: NodeId, sender: NodeId): string {
  return `${receiver} ${sender}`;
}

/** What one end of a link has learnt of the two sessions that it carries. */
class LinkEnd implements FrameWatcher {
  #other: NodeId | undefined;
  #ownOffer: SessionOffer | undefined;
  #theirOffer: SessionOffer | undefined;
  #outEpoch: number | undefined;
  #inEpoch: number | undefined;

  constructor(
    private readonly checks: SessionChecks,
    private readonly id: NodeId,
    private readonly role: 'dialled' | 'accepted',
    private readonly number: number,
  ) {}

  sent(frame: Frame): void {
    this.checks.digest.add(this.number, this.checks.nowMs(), frame);
    switch (frame.type) {
      case 'hello':
        this.#ownOffer = frame.offer;
        return;
      case 'welcome':
        this.#ownOffer = frame.offer;
        this.#answers(frame.answer);
        return;
      case 'ready':
        this.#answers(frame.answer);
        return;
      case 'credit':
        if (this.#other !== undefined && this.#inEpoch !== undefined)
          this.checks.credited(this.id, this.#other, this.#inEpoch);
        return;
      case 'data':
        if (frame.last && !frame.free) this.#written(frame);
        return;
      default:
    }
  }

  received(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        if (this.role === 'accepted') this.#hears(frame.id, frame.offer);
        return;
      case 'welcome':
        this.#hears(frame.id, frame.offer);
        this.#answered(frame.answer);
        return;
      case 'ready':
        this.#answered(frame.answer);
        return;
      default:
    }
  }

  #hears(id: NodeId, offer: SessionOffer | undefined): void {
    this.#other = id;
    this.#theirOffer = offer;
  }

  /** This node tells whether it knows the other's session. */
  #answers(answer: SessionAnswer | undefined): void {
    if (answer === undefined || this.#theirOffer === undefined || this.#other === undefined) return;
    const { epoch } = this.#theirOffer;
    this.#inEpoch = answer.known ? epoch : epoch + 1;
    if (!answer.known) this.checks.unknown(this.id, this.#other, epoch);
  }

  /** The other tells whether it knows this node's session. */
  #answered(answer: SessionAnswer | undefined): void {
    if (answer === undefined || this.#ownOffer === undefined) return;
    this.#outEpoch = answer.known ? this.#ownOffer.epoch : this.#ownOffer.epoch + 1;
  }

  /** The last frame of a message is given to the link: from here on it may arrive. */
  #written(frame: DataFrame): void {
    const { message } = frame as OutgoingFrame;
    // What was given up half-way ends short, and leads nowhere.
    if (message.framedBytes < message.totalBytes || this.#other === undefined || this.#outEpoch === undefined)
      return;
    const text = decodeMeta(message.kind, message.meta).headers[NUMBER_HEADER];
    if (text !== undefined) this.checks.delivery.written(Number(text), this.#other, this.#outEpoch);
  }
}
