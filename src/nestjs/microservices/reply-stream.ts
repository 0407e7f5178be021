import { Subject, takeUntil, type Observable } from 'rxjs';
import { ReplyError } from '../../errors.js';
import { roughSize } from './rough-size.js';

/** Values of one answer: as many as were there. */
export interface Batch {
  readonly values: readonly unknown[];
  readonly isLast: boolean;
}

/** What bounds a stream. */
export interface ReplyStreamLimits {
  readonly bufferedValues: number;
  readonly batchBytes: number;
}

/**
 * The values of a handler's Observable, on their way to one caller.
 *
 * ```
 * open → (completed | failed) → closed      what has come is kept until the caller says that it has it
 * open → closed                             the caller wants no more, is gone, or reads too slowly
 * ```
 */
export class ReplyStream {
  readonly #limits: ReplyStreamLimits;
  readonly #over = new Subject<void>();
  #values: unknown[] = [];
  /** How many values the caller had before the first of those. */
  #received = 0;
  #end: { readonly error?: unknown } | undefined;
  #waiting: (() => void) | undefined;

  constructor(source: Observable<unknown>, limits: ReplyStreamLimits) {
    this.#limits = limits;
    // A source that gives all its values while it is subscribed to has to be told to stop meanwhile.
    source.pipe(takeUntil(this.#over)).subscribe({
      next: (value) => this.#add(value),
      error: (error: unknown) => this.#finish({ error }),
      complete: () => this.#finish({}),
    });
  }

  /**
   * Resolves when there is something to say. A second call takes the place of a first that still waits, which then
   * resolves without values: its caller has given it up.
   *
   * @param received how many values the caller has
   * @throws what the source failed with, once the caller has all values before it
   */
  async next(received: number): Promise<Batch> {
    this.#forget(received);
    this.#wake();
    if (this.#isQuiet) await new Promise<void>((resolve) => (this.#waiting = resolve));
    else await new Promise<void>((resolve) => process.nextTick(resolve));
    const values = this.#batch();
    const isLast = this.#end !== undefined && values.length === this.#values.length;
    if (isLast && values.length === 0 && this.#end !== undefined && 'error' in this.#end)
      throw this.#end.error;
    return { values, isLast: isLast && !('error' in this.#end!) };
  }

  /** @param error what the caller is told, should it ask again */
  close(error: unknown): void {
    this.#values = [];
    this.#finish({ error });
  }

  get #isQuiet(): boolean {
    return this.#values.length === 0 && this.#end === undefined;
  }

  #add(value: unknown): void {
    if (this.#end !== undefined) return;
    if (this.#values.length < this.#limits.bufferedValues) this.#values.push(value);
    else this.#finish({ error: overflow(this.#limits.bufferedValues) });
    // In one turn a source may say more, or that this was all.
    process.nextTick(() => this.#wake());
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#over.next();
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  #forget(received: number): void {
    const count = Math.min(Math.max(received - this.#received, 0), this.#values.length);
    if (count === 0) return;
    this.#values.splice(0, count);
    this.#received += count;
  }

  /** At least one value, if there is any. */
  #batch(): readonly unknown[] {
    let count = 0;
    let bytes = 0;
    for (const value of this.#values) {
      bytes += roughSize(value, this.#limits.batchBytes);
      if (count > 0 && bytes > this.#limits.batchBytes) break;
      count++;
    }
    return this.#values.slice(0, count);
  }
}

function overflow(limit: number): ReplyError {
  return new ReplyError(
    'STREAM_OVERFLOW',
    `More than ${limit} values waited for their reader (streams.bufferedValues): send fewer, or slower`,
  );
}
