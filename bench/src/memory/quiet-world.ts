import { VirtualClock, type Random } from 'clusterpack/testing';
import type { Timer } from 'clusterpack/core';
import { swimCodec } from '../../../dist/membership/swim/codec.js';
import type { SwimMessage } from '../../../dist/membership/swim/messages.js';
import type { KnownPeer, Peer, ProtocolTimer, World } from '../../../dist/membership/protocol.js';

const REPLY_MS = 0.5;

/** What somebody says to the node. */
export interface Said {
  readonly from: KnownPeer;
  readonly message: SwimMessage;
}

/** What the rest of a cluster answers to the node in it. */
export type Answers = (to: Peer, message: SwimMessage) => Said | undefined;

/** Who hears what the world has to say: a protocol. */
export interface Hearer {
  receive(from: KnownPeer, message: SwimMessage): void;
  timer(timer: ProtocolTimer, lateMs: number): void;
}

/** A world in virtual time that answers at once. All that the node hears has come through bytes. */
export class QuietWorld implements World<SwimMessage> {
  readonly trace = undefined;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #answers: Answers;
  readonly #timers = new Map<number, Timer>();
  #hearer: Hearer | undefined;

  constructor(random: Random, answers: Answers) {
    this.#random = random;
    this.#answers = answers;
  }

  set hearer(hearer: Hearer) {
    this.#hearer = hearer;
  }

  runFor(ms: number): void {
    this.#clock.runFor(ms);
  }

  now(): number {
    return this.#clock.now();
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.#clock.now();
  }

  random(): number {
    return this.#random.next();
  }

  send(to: Peer, message: SwimMessage): void {
    const answer = this.#answers(to, throughBytes(message));
    if (answer !== undefined) this.say(answer.from, answer.message);
  }

  say(from: KnownPeer, message: SwimMessage): void {
    const heard = throughBytes(message);
    this.#clock.setTimer(REPLY_MS, () => this.#hearer?.receive(from, heard));
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    this.#timers.set(
      timer.token,
      this.#clock.setTimer(delayMs, () => this.#fire(timer)),
    );
  }

  afterPoll(timer: ProtocolTimer): void {
    this.after(0, timer);
  }

  cancel(timer: ProtocolTimer): void {
    this.#timers.get(timer.token)?.cancel();
    this.#timers.delete(timer.token);
  }

  resetLink(): void {}

  emit(): void {}

  notice(): void {}

  #fire(timer: ProtocolTimer): void {
    this.#timers.delete(timer.token);
    this.#hearer?.timer(timer, 0);
  }
}

/** A copy that shares nothing: the codec's buffer is used again. */
function throughBytes(message: SwimMessage): SwimMessage {
  return swimCodec.decode(Uint8Array.from(swimCodec.encode(message)));
}
