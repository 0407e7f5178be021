/** Something under way that a signal can end. */
export interface Abortable {
  aborted(reason: unknown): void;
}

/**
 * Lets many wait for a signal under one listener. One signal often stands for much: a broadcast to every member, all
 * that a process does until it shuts down; and Node warns of a leak from the eleventh listener of a signal on.
 */
export class AbortFan {
  readonly #groups = new Map<AbortSignal, Group>();

  /** Tells when the signal aborts, unless it has already. Without a signal there is nothing to wait for. */
  add(signal: AbortSignal | undefined, waiting: Abortable): void {
    if (signal === undefined) return;
    let group = this.#groups.get(signal);
    if (group === undefined) {
      group = new Group(signal);
      this.#groups.set(signal, group);
      signal.addEventListener('abort', group);
    }
    group.waiting.add(waiting);
  }

  /** The last one of a signal takes the listener away. */
  delete(signal: AbortSignal | undefined, waiting: Abortable): void {
    const group = signal && this.#groups.get(signal);
    if (group === undefined) return;
    group.waiting.delete(waiting);
    if (group.waiting.size > 0) return;
    this.#groups.delete(group.signal);
    group.signal.removeEventListener('abort', group);
  }
}

/** Those who wait for one signal; it listens itself, so that it costs no closure. */
class Group {
  readonly waiting = new Set<Abortable>();

  constructor(readonly signal: AbortSignal) {}

  /** Whoever settles because another one did is deleted meanwhile, and not told. */
  handleEvent(): void {
    for (const each of this.waiting) each.aborted(this.signal.reason);
  }
}
