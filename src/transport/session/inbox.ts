import type { NodeId } from '../../node-id.js';
import { BudgetShare } from './reassembly.js';

/** Messages of one stream that were taken from the peer and not released, and the bytes that they paid. */
export interface Load {
  messages: number;
  bytes: number;
}

/**
 * What a node holds of one peer, of all epochs together: a peer that begins anew while its messages of before still
 * wait for a reader must not be given a second window for them.
 */
export class Inbox {
  /** Messages that were handed over and not released. */
  held = 0;
  /** Replies among them. */
  heldReplies = 0;
  readonly share = new BudgetShare();
  /** Hears what was released, whatever epoch it came in: the current session gives the credit back. */
  released: ((stream: number) => void) | undefined;
  /** Called with the last release, where the peer itself is no longer kept. */
  emptied: (() => void) | undefined;
  readonly #loads = new Map<number, Load>();

  constructor(readonly from: NodeId) {}

  load(stream: number): Load {
    let load = this.#loads.get(stream);
    if (load === undefined) this.#loads.set(stream, (load = { messages: 0, bytes: 0 }));
    return load;
  }

  /** The streams of which something is held. */
  get loaded(): number[] {
    return [...this.#loads].flatMap(([stream, { messages }]) => (messages > 0 ? [stream] : []));
  }

  hold(free: boolean): void {
    this.held++;
    if (free) this.heldReplies++;
  }

  /** A message of this stream was taken by its reader. */
  release(stream: number, free: boolean, bytes: number): void {
    this.held--;
    if (free) this.heldReplies--;
    else this.giveBack(stream, bytes);
    if (this.held === 0) this.emptied?.();
  }

  /** A message does not count any more. */
  giveBack(stream: number, bytes: number): void {
    const load = this.load(stream);
    load.messages--;
    load.bytes -= bytes;
    this.released?.(stream);
  }
}
