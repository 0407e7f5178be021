import { createNodeId } from '../../../src/node-id.js';
import { Member } from '../../../src/membership/membership.js';
import type { MembershipEvent } from '../../../src/membership/membership.js';
import type {
  KnownPeer,
  Peer,
  ProtocolNotice,
  ProtocolTimer,
  World,
} from '../../../src/membership/protocol.js';
import { DIGEST_VERSION } from '../../../src/membership/swim/messages.js';
import type { Digest, SwimMessage, Update } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import type { SwimOverrides, SwimPreset } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';

type OfType<T extends SwimMessage['type']> = Extract<SwimMessage, { type: T }>;

/** One thing that the node under test has sent. */
export interface Sent<M = SwimMessage> {
  readonly to: Peer;
  readonly message: M;
  readonly via: string;
  readonly atMs: number;
}

interface Due {
  readonly atMs: number;
  readonly sequence: number;
  readonly timer: ProtocolTimer;
}

export const someDigest: Digest = { version: DIGEST_VERSION + 1, low: 0, high: 0, quiet: true };

/**
 * One node in a world that only records. The test plays everybody else: it says what arrives, and looks at what was
 * sent. Nobody answers by himself.
 */
export class Alone implements World<SwimMessage> {
  nowMs = 0;
  readonly swim: Swim;
  readonly sent: Sent[] = [];
  readonly events: MembershipEvent[] = [];
  readonly notices: ProtocolNotice[] = [];
  readonly resets: string[] = [];
  /** Lateness that the next timers report. */
  lateMs = 0;
  readonly #due = new Map<string, Due>();
  #sequence = 0;
  #state = 1;

  constructor(overrides: SwimOverrides = {}, preset: SwimPreset = 'lan') {
    this.swim = new Swim(resolveSwimOptions(preset, overrides), { ...recordOf(0), metadata: {} }, this);
    this.swim.start();
  }

  /** Members 1 … count have been heard of, and nothing waits to be sent. */
  with(count: number): this {
    return this.meet(...Array.from({ length: count }, (_, i) => memberOf(i + 1)));
  }

  /** The node has joined through the first of these members, and learned of the others. */
  meet(...members: readonly Member[]): this {
    const [seed] = members;
    if (seed === undefined) return this;
    this.swim.join([seed.address]);
    const { attempt } = this.sentOf('join').at(-1)!.message;
    const frame = {
      type: 'page',
      sync: attempt,
      last: true,
      maskLow: 2 ** 32 - 1,
      maskHigh: 2 ** 32 - 1,
    } as const;
    this.swim.receive(seed, { ...frame, side: 'answer', index: 0, members });
    this.swim.receive(seed, { type: 'pageTaken', sync: attempt, side: 'push', index: 0 });
    this.events.length = 0;
    this.notices.length = 0;
    this.sent.length = 0;
    return this;
  }

  /** `from` gossips. */
  hear(from: number, ...updates: Update[]): this {
    return this.receive(from, { type: 'gossip', updates });
  }

  receive(from: number, message: SwimMessage): this {
    this.swim.receive(peerOf(from), message);
    return this;
  }

  /** Member `i` answers the latest ping to it. False when there was none. */
  answer(i: number): boolean {
    const ping = this.sentOf('ping').findLast(({ to }) => to.id === peerOf(i).id);
    if (ping === undefined) return false;
    const incarnation = this.swim.member(peerOf(i).id)?.incarnation ?? 0;
    this.receive(i, { type: 'ack', seq: ping.message.seq, incarnation, digest: someDigest, updates: [] });
    return true;
  }

  sentOf<T extends SwimMessage['type']>(type: T, to?: number): Sent<OfType<T>>[] {
    return this.sent.filter(
      (sent): sent is Sent<OfType<T>> =>
        sent.message.type === type && (to === undefined || sent.to.id === peerOf(to).id),
    );
  }

  /** All updates that were sent to a member, in any message. */
  updatesTo(i: number): Update[] {
    return this.sent
      .filter(({ to }) => to.id === peerOf(i).id)
      .flatMap(({ message }) => ('updates' in message ? message.updates : []));
  }

  state(i: number): string {
    return this.swim.member(peerOf(i).id)?.state ?? 'unknown';
  }

  eventsAbout(i: number): string[] {
    return this.events.filter(({ member }) => member.id === peerOf(i).id).map(({ type }) => type);
  }

  count(counter: string): number {
    return this.swim.counters[counter] ?? 0;
  }

  run(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let due = this.#next(untilMs); due !== undefined; due = this.#next(untilMs)) {
      this.nowMs = Math.max(this.nowMs, due.atMs);
      this.#due.delete(keyOf(due.timer));
      this.swim.timer(due.timer, this.lateMs);
    }
    this.nowMs = untilMs;
    return this;
  }

  /** Runs until something holds; how long it took. */
  runUntil(holds: () => boolean, withinMs = 120_000): number {
    const startedMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startedMs > withinMs) throw new Error(`did not happen within ${withinMs} ms`);
      this.run(10);
    }
    return this.nowMs - startedMs;
  }

  get pendingTimers(): number {
    return this.#due.size;
  }

  // --- World ---

  readonly now = (): number => this.nowMs;
  readonly epochMs = (): number => this.nowMs;
  readonly random = (): number => {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 4_294_967_296;
  };
  readonly emit = (event: MembershipEvent): void => void this.events.push(event);
  readonly notice = (notice: ProtocolNotice): void => void this.notices.push(notice);
  readonly resetLink = (id: string): void => void this.resets.push(id);

  send(to: Peer, message: SwimMessage, options: { via?: string | undefined } = {}): void {
    this.sent.push({ to, message, via: options.via ?? 'kept', atMs: this.nowMs });
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    this.#due.set(keyOf(timer), { atMs: this.nowMs + delayMs, sequence: this.#sequence++, timer });
  }

  afterPoll(timer: ProtocolTimer): void {
    this.after(0, timer);
  }

  cancel(timer: ProtocolTimer): void {
    this.#due.delete(keyOf(timer));
  }

  #next(untilMs: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due.values()) {
      if (due.atMs > untilMs) continue;
      if (
        first === undefined ||
        due.atMs < first.atMs ||
        (due.atMs === first.atMs && due.sequence < first.sequence)
      )
        first = due;
    }
    return first;
  }
}

/** Member `i` as a peer; 0 is the node under test. */
export function peerOf(i: number): KnownPeer {
  return {
    id: createNodeId(1_000 + i, new Uint8Array(10)),
    address: { host: `10.0.${i >> 8}.${i & 255}`, port: 7946 },
  };
}

export function memberOf(
  i: number,
  incarnation = 0,
  changes: Partial<Parameters<typeof Member.of>[0]> = {},
): Member {
  return Member.of({ ...recordOf(i), state: 'alive', incarnation, ...changes });
}

export function aliveOf(
  i: number,
  incarnation = 0,
  changes: Partial<Parameters<typeof Member.of>[0]> = {},
): Update {
  return { type: 'alive', member: memberOf(i, incarnation, changes) };
}

export function suspectOf(
  i: number,
  accuser: number,
  incarnation = 0,
  kind: 'soft' | 'hard' = 'soft',
): Update {
  return { type: 'suspect', id: peerOf(i).id, incarnation, accuser: peerOf(accuser).id, kind };
}

export function unreachableOf(
  i: number,
  by: number,
  incarnation = 0,
  kind: 'soft' | 'hard' = 'soft',
): Update {
  return { type: 'unreachable', id: peerOf(i).id, incarnation, by: peerOf(by).id, kind, witnesses: [] };
}

export function leftOf(i: number, incarnation = 1): Update {
  return { type: 'left', id: peerOf(i).id, incarnation };
}

function recordOf(i: number) {
  return {
    ...peerOf(i),
    name: `m${i}`,
    metadata: {},
    health: 'ok',
    startedAtMs: 1_000 + i,
    minVersion: 1,
    maxVersion: 1,
  } as const;
}

function keyOf(timer: ProtocolTimer): string {
  return `${timer.kind} ${timer.token}`;
}
