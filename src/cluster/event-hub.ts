import { MembershipEvent, MembershipGap, type Member } from '../membership/membership.js';
import { View } from '../membership/view.js';
import { isPromiseLike } from './messaging/handler-queue.js';
import { Readers } from './readers.js';

/** Gets every event in order; what it returns is not awaited. @publicApi */
export type EventListener = (event: MembershipEvent) => unknown;

/** Options of `onEvent`. @publicApi */
export interface EventListenerOptions {
  /** First give it a `joined` for each other member that is there already. Default: false. */
  readonly replay?: boolean | undefined;
  /** A name for logs and errors, for example `Prices.greet`. */
  readonly name?: string | undefined;
}

interface Added<T> {
  readonly listener: (event: T) => unknown;
  readonly name: string;
}

/**
 * Membership events on their way to the application: async readers with a bounded buffer each, and listeners that
 * are called after the protocol has finished its turn, so that nothing they do can hold it up.
 */
export class EventHub {
  readonly readers: Readers<MembershipEvent | MembershipGap>;
  readonly #listeners = new Set<Added<MembershipEvent>>();
  readonly #endListeners = new Set<() => void>();
  #ended = false;
  readonly #failed: (what: string, error: unknown) => void;
  readonly #epochMs: () => number;

  /**
   * @param capacity events that a reader may be behind
   * @param view the active members now
   * @param failed told of a listener that threw or rejected
   * @param epochMs the wall clock
   */
  constructor(
    capacity: number,
    view: () => readonly Member[],
    failed: (what: string, error: unknown) => void,
    epochMs: () => number,
  ) {
    this.readers = new Readers<MembershipEvent | MembershipGap>(capacity, (missed) =>
      MembershipGap.of(missed, view(), epochMs()),
    );
    this.#failed = failed;
    this.#epochMs = epochMs;
  }

  push(event: MembershipEvent): void {
    this.readers.push(event);
    for (const added of this.#listeners) queueMicrotask(() => this.#call(added, event));
  }

  /** Adds a listener and first gives it a `joined` for each of `present`. */
  add(listener: EventListener, present: readonly Member[], name = 'A membership event listener'): () => void {
    const added: Added<MembershipEvent> = { listener, name };
    let view = View.empty;
    for (const member of present) {
      view = view.put(member);
      const event = MembershipEvent.of('joined', member, undefined, view, this.#epochMs());
      queueMicrotask(() => this.#call(added, event));
    }
    this.#listeners.add(added);
    return () => void this.#listeners.delete(added);
  }

  /**
   * Calls a listener once after the last event has been delivered; at once when that was long ago.
   *
   * @returns removes the listener
   */
  onEnd(listener: () => void): () => void {
    if (this.#ended) {
      listener();
      return () => undefined;
    }
    const added = (): void => listener();
    this.#endListeners.add(added);
    return () => void this.#endListeners.delete(added);
  }

  end(): void {
    this.readers.end();
    this.#listeners.clear();
    // Behind the events that are still on their way to listeners.
    queueMicrotask(() => this.#tellEnd());
  }

  #tellEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#endListeners)
      this.#call({ listener, name: 'A listener of the end' }, undefined);
    this.#endListeners.clear();
  }

  #call<T>({ listener, name }: Added<T>, event: T): void {
    try {
      const result = listener(event);
      if (isPromiseLike(result)) result.then(undefined, (error: unknown) => this.#failed(name, error));
    } catch (error) {
      this.#failed(name, error);
    }
  }
}
