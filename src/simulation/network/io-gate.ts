import type { Task } from '../clock/virtual-clock.js';

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
  'dial-back': 'join',
};

/** The tick of a loop waits for what the loop is doing. */
const TICK = 'round';

/**
 * Where a process meets its sockets. While it is shut (Lifeguard's anomaly: the member blocks just before each send
 * and just after each receive), what is sent and what was received waits here, in order. Timers go on until an
 * activity has tried to send: from then on its later timers wait too, as the goroutine that sends is blocked.
 *
 * Source: Lifeguard §V-B; hashicorp/memberlist for what an activity is.
 */
export class IoGate {
  readonly #soon: (callback: () => void) => void;
  readonly #sends: Task[] = [];
  readonly #reads: Task[] = [];
  readonly #timers: { readonly kind: string; readonly task: Task }[] = [];
  readonly #blocked = new Set<string>();
  /** Whose timer is being handled. */
  #activity: string | undefined;
  /** How many anomalies are under way: the last one to end opens it. */
  #anomalies = 0;

  /** @param soon calls back at this instant, after what is due already */
  constructor(soon: (callback: () => void) => void) {
    this.#soon = soon;
  }

  get isShut(): boolean {
    return this.#anomalies > 0;
  }

  shut(): void {
    this.#anomalies++;
  }

  /**
   * First what waited to be sent goes, then the blocked activities go on, then what waited to be read is read. A loop's
   * tick comes last: what the loop was doing ends before.
   */
  open(): void {
    if (this.#anomalies === 0 || --this.#anomalies > 0) return;
    for (const send of this.#sends.splice(0)) send.happen();
    this.#blocked.clear();
    const timers = this.#timers.splice(0);
    for (const { kind, task } of timers) if (kind !== TICK) task.happen();
    for (const read of this.#reads.splice(0)) read.happen();
    for (const { kind, task } of timers) if (kind === TICK) this.#soon(() => task.happen());
  }

  /** A timer has fired: it is handled now, or when its activity goes on. */
  timer(kind: string, task: Task): void {
    const activity = ACTIVITIES[kind];
    if (activity !== undefined && this.#blocked.has(activity)) return void this.#timers.push({ kind, task });
    this.#activity = activity;
    task.happen();
    this.#activity = undefined;
  }

  /** To be sent when the gate opens. */
  holdSend(send: Task): void {
    this.#sends.push(send);
    if (this.#activity !== undefined) this.#blocked.add(this.#activity);
  }

  /** To be read when the gate opens. */
  holdRead(read: Task): void {
    this.#reads.push(read);
  }

  /** The process is gone, and all that waited with it. */
  clear(): void {
    this.#sends.length = 0;
    this.#reads.length = 0;
    this.#timers.length = 0;
    this.#blocked.clear();
  }
}
