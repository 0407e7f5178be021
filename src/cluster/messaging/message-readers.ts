import type { Message } from '../../membership/membership.js';

/**
 * The readers of `incomingMessages`. Each gets every message; a message counts as taken, and gives its credit
 * back, when every reader that was open has asked for the next one. So a slow reader slows the senders down, and
 * credit bounds what waits here.
 */
export class MessageReaders implements AsyncIterable<Message> {
  readonly #open = new Set<MessageReader>();
  #ended = false;

  get size(): number {
    return this.#open.size;
  }

  /** Hands a message to all readers; `release` is called once, when all have taken it. */
  push(message: Message, release: () => void): void {
    const ticket = new Ticket(message, this.#open.size, release);
    for (const reader of this.#open) reader.push(ticket);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#open) reader.end();
    this.#open.clear();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    const reader = new MessageReader((closed) => this.#open.delete(closed));
    if (this.#ended) reader.end();
    else this.#open.add(reader);
    return reader;
  }
}

class Ticket {
  constructor(
    readonly message: Message,
    private holders: number,
    private readonly release: () => void,
  ) {}

  drop(): void {
    if (--this.holders === 0) this.release();
  }
}

class MessageReader implements AsyncIterator<Message, undefined> {
  readonly #tickets: Ticket[] = [];
  #current: Ticket | undefined;
  #waiting: ((result: IteratorResult<Message, undefined>) => void)[] = [];
  #ended = false;

  constructor(private readonly closed: (reader: MessageReader) => void) {}

  push(ticket: Ticket): void {
    this.#tickets.push(ticket);
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting(this.#take());
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    this.#current?.drop();
    this.#current = undefined;
    if (this.#tickets.length > 0) return Promise.resolve(this.#take());
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    this.#current?.drop();
    this.#current = undefined;
    for (const ticket of this.#tickets.splice(0)) ticket.drop();
    this.end();
    this.closed(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  #take(): IteratorResult<Message, undefined> {
    this.#current = this.#tickets.shift()!;
    return { done: false, value: this.#current.message };
  }
}
