import type { IncomingMessage } from './transport.js';

/** Incoming messages as `bind` gives them: asking for the next one releases the one before. */
export class MessageSequence implements AsyncIterableIterator<IncomingMessage> {
  readonly #waiting: IncomingMessage[] = [];
  readonly #readers: ((result: IteratorResult<IncomingMessage>) => void)[] = [];
  #current: IncomingMessage | undefined;
  #ended = false;

  /** Credit bounds how many can wait. False when the sequence has ended. */
  push(message: IncomingMessage): boolean {
    if (this.#ended) return false;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#waiting.push(message);
    else this.#hand(message, reader);
    return true;
  }

  next(): Promise<IteratorResult<IncomingMessage>> {
    this.#current?.release();
    this.#current = undefined;
    return new Promise((resolve) => {
      const message = this.#waiting.shift();
      if (message !== undefined) this.#hand(message, resolve);
      else if (this.#ended) resolve({ done: true, value: undefined });
      else this.#readers.push(resolve);
    });
  }

  return(): Promise<IteratorResult<IncomingMessage>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** No more messages; those that wait are let go. */
  end(): void {
    this.#ended = true;
    this.#current?.release();
    this.#current = undefined;
    for (const message of this.#waiting.splice(0)) message.release();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hand(message: IncomingMessage, reader: (result: IteratorResult<IncomingMessage>) => void): void {
    this.#current = message;
    reader({ done: false, value: message });
  }
}
