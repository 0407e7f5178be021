import type { ClusterError } from '../errors.js';
import type { Abortable, AbortFan } from './abort-fan.js';
import { OutgoingMessage } from './session/message.js';
import type { TransportSendOptions } from './transport.js';

const NOTHING = new Uint8Array(0);

/** A message with its promise and its abort signal; it waits for that itself, so that a signal costs no closure. */
export class PendingSend extends OutgoingMessage implements Abortable {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: ClusterError) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(
    payload: Uint8Array,
    options: TransportSendOptions,
    private readonly aborts: AbortFan,
  ) {
    super(payload, options.stream ?? 0, options.kind ?? 0, options.meta ?? NOTHING, options.free ?? false);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = options.signal;
    aborts.add(this.#signal, this);
  }

  settled(error: ClusterError | undefined): void {
    this.aborts.delete(this.#signal, this);
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }

  aborted(reason: unknown): void {
    this.session?.abort(this, 'The send was aborted', reason);
  }
}
