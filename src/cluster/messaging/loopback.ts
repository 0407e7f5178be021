import { MemberDrainingError, NoReceiverError, NotDeliveredError, SendQueueFullError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { IncomingMessage, Receipt } from '../../transport/transport.js';
import type { ClusterLimits } from '../limits.js';
import type { Sending } from './sending.js';

/**
 * Messages of a node to itself. They take the same way through codec and handlers as any other, only no socket,
 * and as many may wait to be taken as for any other recipient; replies, which answer requests that count, come on top.
 */
export class Loopback {
  #held = 0;
  #heldBytes = 0;

  constructor(
    private readonly receive: (message: IncomingMessage) => Receipt,
    private readonly limits: Pick<ClusterLimits, 'sendQueueMessages' | 'sendQueueBytes'>,
  ) {}

  async send(
    self: NodeId,
    payload: Uint8Array,
    { stream, kind, meta, correlation, signal, free }: Sending,
  ): Promise<void> {
    if (!free) this.#checkRoom(payload.length);
    const counted = free ? 0 : 1;
    this.#held += counted;
    this.#heldBytes += counted * payload.length;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#held -= counted;
      this.#heldBytes -= counted * payload.length;
    };
    // The caller may change its buffer once the promise has settled, which is before the handler has finished.
    const bytes = new Uint8Array(payload);
    // The handler must not run inside the caller's call.
    await Promise.resolve();
    if (signal?.aborted) {
      release();
      throw new NotDeliveredError('The message was aborted before it was sent', { cause: signal.reason });
    }
    const receipt = this.receive({ from: self, stream, kind, meta, correlation, payload: bytes, release });
    if (receipt === 'held') return;
    release();
    if (receipt === 'draining')
      throw new MemberDrainingError('This node is shutting down and takes no new requests');
    throw new NoReceiverError('This node has no reader and no handler for the message');
  }
  /** @throws SendQueueFullError; a single large payload passes when nothing else waits */
  #checkRoom(bytes: number): void {
    const { sendQueueMessages, sendQueueBytes } = this.limits;
    if (this.#held >= sendQueueMessages) {
      throw new SendQueueFullError(
        `${sendQueueMessages} messages to this node itself wait to be taken (limits.sendQueueMessages)`,
      );
    }
    if (this.#held === 0 || this.#heldBytes + bytes <= sendQueueBytes) return;
    throw new SendQueueFullError(
      `${this.#heldBytes} bytes to this node itself wait to be taken, of ${sendQueueBytes} (limits.sendQueueBytes)`,
    );
  }
}
