import type { Link, LinkHandler } from '../../src/transport/link.js';
import type { Frame } from '../../src/transport/session/frame.js';

/** A handler that remembers what it was told, and lets a test wait for it. */
export class RecordingHandler implements LinkHandler {
  readonly frames: Frame[] = [];
  readonly calls: string[] = [];
  error: unknown;
  isClosed = false;
  private changed: (() => void)[] = [];

  constructor(readonly link: Link) {}

  frame(frame: Frame): void {
    this.frames.push(frame);
    this.note('frame');
  }

  batchEnd(): void {
    this.note('batchEnd');
  }

  drained(): void {
    this.note('drained');
  }

  closed(error?: unknown): void {
    this.error = error;
    this.isClosed = true;
    this.note('closed');
  }

  /** Resolves when the condition holds; asked after every call. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.changed.push(resolve));
  }

  private note(call: string): void {
    this.calls.push(call);
    const waiting = this.changed;
    this.changed = [];
    for (const wake of waiting) wake();
  }
}

/** Resolves with the handler of the next accepted link. */
export class Acceptor {
  readonly handlers: RecordingHandler[] = [];
  private waiting: (() => void)[] = [];

  readonly accept = (link: Link): LinkHandler => {
    const handler = new RecordingHandler(link);
    this.handlers.push(handler);
    for (const wake of this.waiting.splice(0)) wake();
    return handler;
  };

  async nth(index: number): Promise<RecordingHandler> {
    while (this.handlers[index] === undefined)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.handlers[index];
  }
}
