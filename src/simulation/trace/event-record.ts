import type { MembershipEvent, MembershipEventType } from '../../membership/membership.js';

/** An event, and when it was seen in virtual time. @publicApi */
export interface RecordedEvent {
  /** Virtual milliseconds since the beginning. */
  readonly atMs: number;
  /** Whom it is about: the node's name, with the number of its process if that is not the first (`c#2`). */
  readonly about: string;
  /** As the application would get it. */
  readonly event: MembershipEvent;
}

/** The events that one node has seen, in order. @publicApi */
export class EventRecord {
  readonly #events: RecordedEvent[] = [];

  /** Appends one. */
  add(recorded: RecordedEvent): void {
    this.#events.push(recorded);
  }

  /** All of them. */
  get all(): readonly RecordedEvent[] {
    return this.#events;
  }

  /** The types of the events about a node (`c`: all of its processes; `c#1`, `c#2`: one of them). */
  about(name: string): readonly MembershipEventType[] {
    return this.#events.filter(({ about }) => isAbout(about, name)).map(({ event }) => event.type);
  }

  /** When such an event was seen first at `sinceMs` or later, in virtual milliseconds. */
  timeOf(type: MembershipEventType, name: string, sinceMs = 0): number | undefined {
    return this.#events.find(
      ({ atMs, about, event }) => atMs >= sinceMs && event.type === type && isAbout(about, name),
    )?.atMs;
  }
}

function isAbout(about: string, name: string): boolean {
  return (
    about === name || about.startsWith(`${name}#`) || (name.endsWith('#1') && about === name.slice(0, -2))
  );
}
