import { MembershipEvent, MembershipGap, type Member } from '../membership/membership.js';
import { View } from '../membership/view.js';
import { Readers } from './readers.js';

/** Gets every event in order; what it returns is not awaited. */
export type EventListener = (event: MembershipEvent) => unknown;

/**
 * Membership events on their way to the application: async readers with a bounded buffer each, and listeners that
 * are called after the protocol has finished its turn, so that nothing they do can hold it up.
 */
export class EventHub {
  readonly readers: Readers<MembershipEvent | MembershipGap>;
  readonly #listeners = new Set<EventListener>();
  readonly #failed: (error: unknown) => void;

  /**
   * @param capacity events that a reader may be behind
   * @param view the active members now
   * @param failed told of a listener that threw or rejected
   */
  constructor(capacity: number, view: () => readonly Member[], failed: (error: unknown) => void) {
    this.readers = new Readers<MembershipEvent | MembershipGap>(capacity, (missed) =>
      MembershipGap.of(missed, view(), Date.now()),
    );
    this.#failed = failed;
  }

  push(event: MembershipEvent): void {
    this.readers.push(event);
    for (const listener of this.#listeners) queueMicrotask(() => this.#call(listener, event));
  }

  /** Adds a listener and first gives it a `joined` for each of `present`. */
  add(listener: EventListener, present: readonly Member[]): () => void {
    let view = View.empty;
    for (const member of present) {
      view = view.put(member);
      const event = MembershipEvent.of('joined', member, undefined, view, Date.now());
      queueMicrotask(() => this.#call(listener, event));
    }
    // A wrapper of its own, so that one function can be added twice and removed once.
    const added: EventListener = (event) => listener(event);
    this.#listeners.add(added);
    return () => void this.#listeners.delete(added);
  }

  end(): void {
    this.readers.end();
    this.#listeners.clear();
  }

  #call(listener: EventListener, event: MembershipEvent): void {
    try {
      const result = listener(event);
      if (result instanceof Promise) result.catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }
}
