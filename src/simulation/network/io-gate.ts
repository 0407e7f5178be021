import type { Task } from '../clock/virtual-clock.js';
import { IoLane, type LaneOwner, type Step } from './io-lane.js';

/**
 * What a process does in turns of its own, each of which stops when it has to wait for a send: memberlist runs its probe
 * loop, its gossip loop and its syncs as one goroutine each. A timer that is not here blocks nobody: suspicions and
 * tombstones send nothing themselves, and each relayed probe waits for itself only.
 */
const ACTIVITIES: Readonly<Record<string, string>> = {
  round: 'probe',
  'probe-timeout': 'probe',
  'probe-end': 'probe',
  gossip: 'gossip',
  refute: 'refute',
  sync: 'sync',
  'sync-timeout': 'sync',
  'page-timeout': 'sync',
  heal: 'heal',
  check: 'check',
  strangers: 'strangers',
  'join-try': 'join',
  'join-another': 'join',
  'dial-back': 'join',
};

/** The tick of a loop waits for what the loop is doing. */
const TICK = 'round';

/** How fast a process gets through what has piled up while its gate was shut. */
export interface Pace {
  /** What each message costs the activity that reads or sends it, ms. 0: nothing. */
  readonly messageCostMs: number;
  /** Whether a message is a datagram; otherwise it comes on a stream that has a reader of its own. Default: all are read in order. */
  readonly isDatagram?: ((message: unknown) => boolean) | undefined;
  /** Datagrams that the socket's buffer holds; what comes when it is full is lost. */
  readonly maxDatagrams?: number | undefined;
}

/**
 * Where a process meets its sockets. While it is shut (Lifeguard's anomaly: the member blocks just before each send
 * and just after each receive), what is sent and what was received waits here, in order. Timers go on until an
 * activity has tried to send: from then on its later timers wait too, as the goroutine that sends is blocked.
 *
 * When it opens, what waits is got through at the {@link Pace}, each activity by itself; what is not done when it shuts
 * again goes on waiting.
 *
 * Source: Lifeguard §V-B; hashicorp/memberlist (`state.go`, `net.go`) for what an activity is.
 */
export class IoGate {
  readonly #activities = new Map<string, IoLane>();
  readonly #owner: GateOwner;
  readonly #listener: IoLane;
  /** Sends and reads that wait for nothing but the gate: each has a goroutine of its own. */
  #apart: Task[] = [];
  /** What is being handled, so that what it sends waits behind it. */
  #current: IoLane | undefined;
  /** What is being read: it passes. */
  #reading: Task | undefined;
  #pace: Pace = { messageCostMs: 0 };
  #lost = 0;

  /** @param after calls back so much later, after what is due by then already */
  constructor(after: (delayMs: number, callback: () => void) => void) {
    this.#owner = new GateOwner(after, (step, lane) => this.#take(step, lane));
    this.#listener = new IoLane(this.#owner);
  }

  /** Whether what is sent, and timers, have to come here: it is shut, or the process is still behind. */
  get isShut(): boolean {
    return this.#owner.anomalies > 0 || this.#owner.waiting > 0;
  }

  /** Datagrams that came when the buffer was full. */
  get lost(): number {
    return this.#lost;
  }

  /** From now on the process is so fast. Without a pace it does everything at the instant at which the gate opens. */
  setPace(pace: Pace): void {
    this.#pace = pace;
    this.#owner.messageCostMs = pace.messageCostMs;
  }

  shut(): void {
    this.#owner.anomalies++;
  }

  /** Activities first, which send what they were about to; then what waited to be read is read. */
  open(): void {
    if (this.#owner.anomalies === 0 || --this.#owner.anomalies > 0) return;
    const apart = this.#apart;
    this.#apart = [];
    for (const task of apart) this.#read(task, undefined);
    for (const lane of this.#activities.values()) lane.goOn();
    this.#listener.goOn();
  }

  /** A timer has fired: it is handled now, or when its activity goes on. */
  timer(kind: string, task: Task): void {
    const lane = this.#laneOf(kind);
    if (lane !== undefined && lane.length > 0)
      return lane.add({ task, isMessage: false, isTick: kind === TICK });
    const before = this.#current;
    this.#current = lane;
    task.happen();
    this.#current = before;
    lane?.goOn();
  }

  /** To be sent when the gate is open and its activity gets to it. */
  holdSend(task: Task): void {
    if (this.#current !== undefined) this.#current.add({ task, isMessage: true });
    else if (this.#owner.isOpen) task.happen();
    else this.#apart.push(task);
  }

  /**
   * Keeps what has arrived until the process gets to it. False: it is read now.
   *
   * @param message what has arrived, if it is a message
   */
  holds(task: Task, message?: unknown): boolean {
    if (!this.isShut || task === this.#reading) return false;
    const { isDatagram, maxDatagrams = Number.POSITIVE_INFINITY } = this.#pace;
    const isInOrder = isDatagram === undefined || (message !== undefined && isDatagram(message));
    if (!isInOrder) {
      if (this.#owner.isOpen) return false;
      this.#apart.push(task);
      return true;
    }
    if (this.#listener.length >= maxDatagrams) {
      this.#lost++;
      return true;
    }
    this.#listener.add({ task, isMessage: true });
    this.#listener.goOn();
    return true;
  }

  /** The process is gone, and all that waited with it. */
  clear(): void {
    this.#apart = [];
    this.#listener.clear();
    for (const lane of this.#activities.values()) lane.clear();
  }

  #laneOf(kind: string): IoLane | undefined {
    const activity = ACTIVITIES[kind];
    if (activity === undefined) return undefined;
    let lane = this.#activities.get(activity);
    if (lane === undefined) this.#activities.set(activity, (lane = new IoLane(this.#owner)));
    return lane;
  }

  #take({ task, isTick }: Step, lane: IoLane): void {
    if (isTick === true) return this.#owner.after(0, () => this.timer(TICK, task));
    this.#read(task, lane);
  }

  #read(task: Task, lane: IoLane | undefined): void {
    this.#reading = task;
    this.#current = lane;
    task.happen();
    this.#reading = undefined;
    this.#current = undefined;
  }
}

/** What the lanes of a gate have in common. */
class GateOwner implements LaneOwner {
  waiting = 0;
  anomalies = 0;
  messageCostMs = 0;

  constructor(
    readonly after: (delayMs: number, callback: () => void) => void,
    readonly take: (step: Step, lane: IoLane) => void,
  ) {}

  get isOpen(): boolean {
    return this.anomalies === 0;
  }
}
