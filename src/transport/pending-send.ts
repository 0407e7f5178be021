import type { ClusterError } from '../errors.js';
import { OutgoingMessage } from './session/message.js';
import type { TransportSendOptions } from './transport.js';

const NOTHING = new Uint8Array(0);

/** A message with its promise and its abort signal; it listens itself, so that a signal costs no closure. */
export class PendingSend extends OutgoingMessage implements EventListenerObject {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: ClusterError) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(payload: Uint8Array, options: TransportSendOptions) {
    super(payload, options.stream ?? 0, options.kind ?? 0, options.meta ?? NOTHING, options.free ?? false);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this);
  }

  settled(error: ClusterError | undefined): void {
    this.#signal?.removeEventListener('abort', this);
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }

  handleEvent(): void {
    this.session?.abort(this, 'The send was aborted', this.#signal?.reason);
  }
}

/** What `addEventListener` takes besides functions. */
interface EventListenerObject {
  handleEvent(event: Event): void;
}
