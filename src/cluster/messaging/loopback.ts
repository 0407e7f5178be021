import { MemberDrainingError, NoReceiverError, NotDeliveredError, SendQueueFullError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { IncomingMessage, Receipt } from '../../transport/transport.js';
import type { Sending } from './sending.js';

/**
 * Messages of a node to itself. They take the same way through codec and handlers as any other, only no socket,
 * and at most `limit` of them wait to be taken; replies, which answer requests that count, come on top.
 */
export class Loopback {
  #held = 0;

  constructor(
    private readonly receive: (message: IncomingMessage) => Receipt,
    private readonly limit: number,
  ) {}

  async send(
    self: NodeId,
    payload: Uint8Array,
    { stream, kind, meta, correlation, signal, free }: Sending,
  ): Promise<void> {
    // The caller may change its buffer once the promise has settled, which is before the handler has finished.
    const bytes = new Uint8Array(payload);
    // The handler must not run inside the caller's call.
    await Promise.resolve();
    if (signal?.aborted)
      throw new NotDeliveredError('The message was aborted before it was sent', { cause: signal.reason });
    if (!free && this.#held >= this.limit) {
      throw new SendQueueFullError(
        `${this.limit} messages to this node itself wait to be taken (limits.sendQueueMessages)`,
      );
    }
    if (!free) this.#held++;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (!free) this.#held--;
    };
    const receipt = this.receive({ from: self, stream, kind, meta, correlation, payload: bytes, release });
    if (receipt === 'held') return;
    release();
    if (receipt === 'draining')
      throw new MemberDrainingError('This node is shutting down and takes no new requests');
    throw new NoReceiverError('This node has no reader and no handler for the message');
  }
}
