import type { ClusterError } from '../errors.js';
import type { Abortable, AbortFan } from './abort-fan.js';
import { OutgoingMessage } from './session/message.js';
import type { Posted, TransportSendOptions } from './transport.js';

const NOTHING = new Uint8Array(0);

/** A message that a signal can end; it waits for that itself, so that a signal costs no closure. */
abstract class AbortableSend extends OutgoingMessage implements Abortable {
  constructor(
    payload: Uint8Array,
    { stream = 0, kind = 0, meta = NOTHING, correlation = 0, free = false, signal }: TransportSendOptions,
    private readonly aborts: AbortFan,
  ) {
    super(payload, stream, kind, meta, correlation, free);
    this.signal = signal;
    aborts.add(signal, this);
  }

  private readonly signal: AbortSignal | undefined;

  settled(error: ClusterError | undefined): void {
    this.aborts.delete(this.signal, this);
    this.ended(error);
  }

  aborted(reason: unknown): void {
    this.session?.abort(this, 'The send was aborted', reason);
  }

  protected abstract ended(error: ClusterError | undefined): void;
}

/** A message with its promise. */
export class PendingSend extends AbortableSend {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: ClusterError) => void;

  constructor(payload: Uint8Array, options: TransportSendOptions, aborts: AbortFan) {
    super(payload, options, aborts);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  protected ended(error: ClusterError | undefined): void {
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }
}

/** A message whose sender is called when it has settled. */
export class PostedSend extends AbortableSend implements Posted {
  constructor(
    payload: Uint8Array,
    options: TransportSendOptions,
    aborts: AbortFan,
    private readonly done: (error?: Error) => void,
  ) {
    super(payload, options, aborts);
  }

  abort(reason: unknown): void {
    this.aborted(reason);
  }

  /** A failure is told later, as a promise does: whoever hears of it may send again. */
  protected ended(error: ClusterError | undefined): void {
    if (error === undefined) this.done();
    else queueMicrotask(() => this.done(error));
  }
}
