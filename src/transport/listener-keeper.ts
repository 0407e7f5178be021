import type { Address } from '../address.js';
import type { Clock, Timer } from '../clock.js';
import type { Link, LinkHandler, LinkListener, Links } from './link.js';

/** A listener that fails is bound again so many times, waiting longer each time. */
const REBINDS = 4;
const FIRST_REBIND_MS = 100;

/** Keeps one listener open at one address. */
export class ListenerKeeper {
  /** Links that come before are turned away. */
  accepting = false;
  #listener: LinkListener | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(
    readonly links: Links,
    readonly clock: Clock,
    readonly accept: (link: Link) => LinkHandler,
  ) {}

  /**
   * @param lost called when the listener has failed for good
   * @throws BindError
   */
  async open(endpoint: Address, lost: (cause: unknown) => void): Promise<Address> {
    const listener = await this.links.listen(
      endpoint,
      (link) => this.#accepted(link),
      (cause) => this.#rebind(listener.address, lost, cause, REBINDS),
    );
    this.#listener = listener;
    if (this.#closed) await listener.close();
    return listener.address;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#listener?.close();
  }

  #accepted(link: Link): LinkHandler {
    if (this.accepting && !this.#closed) return this.accept(link);
    link.destroy();
    return deaf;
  }

  #rebind(address: Address, lost: (cause: unknown) => void, cause: unknown, triesLeft: number): void {
    if (this.#closed) return;
    if (triesLeft === 0) {
      lost(cause);
      return;
    }
    this.#retry = this.clock.setTimer(FIRST_REBIND_MS * 2 ** (REBINDS - triesLeft), () => {
      this.open(address, lost).catch((error: unknown) => this.#rebind(address, lost, error, triesLeft - 1));
    });
  }
}

const deaf: LinkHandler = {
  frame() {},
  drained() {},
  closed() {},
};
