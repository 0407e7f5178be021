import type { Address } from '../address.js';
import type { Frame } from './session/frame.js';

/**
 * What TCP and memory supply: pipes of frames between two endpoints, before any handshake. Who is at the other
 * end, and what frames mean, is the session's business.
 */
export interface Links {
  /**
   * Listens; calls `accept` once for each incoming link.
   *
   * @throws BindError
   */
  listen(
    endpoint: Address,
    accept: (link: Link) => LinkHandler,
    lost: (cause: unknown) => void,
  ): Promise<LinkListener>;

  /**
   * Dials one address. Exactly one of the two callbacks is called, later, unless the dial is cancelled first.
   * Names are resolved here, off the caller's path.
   */
  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial;

  /** Bytes that all links together have read and written. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Open links, established or not. */
  readonly open: number;

  /** Handles, those to come included, keep the process alive (the default), or do not. Nothing where there are none. */
  ref?(): void;
  unref?(): void;

  /** Destroys every link, ends every dial and listener, and waits until no handle is left. Idempotent. */
  close(): Promise<void>;
}

export interface LinkListener {
  /** The bound address, with the port that was chosen. */
  readonly address: Address;
  close(): Promise<void>;
}

export interface Dial {
  cancel(): void;
}

export interface DialOutcome {
  opened(link: Link): LinkHandler;
  /**
   * `refused`: ECONNREFUSED by one IP literal · `local`: our own limits · `silent`: everything else, with a `HandshakeError`
   * when somebody is there and the connection could not be secured.
   */
  failed(report: 'refused' | 'silent' | 'local', error: unknown): void;
}

/** Called in order, never from within `send`; nothing after `closed`. */
export interface LinkHandler {
  /**
   * The frame's bytes belong to the receiver: they stay valid and unchanged for as long as it keeps them. But the chunk
   * of a payload that comes in several is valid during the call only.
   */
  frame(frame: Frame): void;
  /**
   * All frames that one read brought have been given to `frame`: the moment to acknowledge them with one frame.
   * What is sent from here leaves in the same write as what was sent from `frame`.
   */
  batchEnd?(): void;
  /** `bufferedBytes` has fallen below the low-water mark (64 KiB) after `send` had returned false. */
  drained(): void;
  /**
   * The link is gone. `error` is undefined after a clean end by either side; a `ProtocolViolationError` when the
   * peer sent what is no frame, or when one of the links' own limits was hit (the violation is the counter's word;
   * a connection over a limit is given to `accept` as well, closed at once); a `HandshakeError` when the connection could
   * not be secured. Called exactly once per link, also
   * after `end` and `destroy`, and always later, never from within a call.
   */
  closed(error?: unknown): void;
}

/** What a connection itself proves of who is at the other end, before anything is said on it. */
export interface LinkCredentials {
  /** For logs: a key's public name, or a certificate's names. */
  readonly description: string;
  /** Whether they still count: a key may have been removed since, a certificate may have ended. */
  readonly isCurrent: boolean;
  /** What speaks against the other side's having a name. Without it, names are not proven: all insiders are alike. */
  objectionTo?(nodeName: string): string | undefined;
}

/** One pipe of frames. */
export interface Link {
  /** The remote side's IP and port, for logs and per-address limits. */
  readonly remote: string;
  /** Undefined: nothing is proven, anybody may be there. */
  readonly credentials?: LinkCredentials | undefined;
  /**
   * Queues a frame; frames queued in one turn of the loop are written together. Never throws, never blocks.
   * False when more than 256 KiB wait: send no more data frames until `drained`. Control frames always pass.
   */
  send(frame: Frame): boolean;
  /** Bytes queued and not yet handed to the kernel. */
  readonly bufferedBytes: number;
  /**
   * How many frames, of those given to `send` and in order, may have reached the kernel. Counted when their write
   * is issued, so it errs to one side only: a frame beyond this count certainly never left.
   */
  readonly flushedFrames: number;
  /** After the handshake: the limit for one incoming frame of this lane. Before: 16 KiB. */
  allowFrames(maxBytes: number): void;
  /**
   * The handshake is done: the link no longer counts against the limits on unauthenticated connections. To be
   * called by both sides, beside `allowFrames`.
   */
  established(): void;
  /** Writes what is queued, then ends; destroyed after 1 s if the peer does not follow. */
  end(): void;
  /**
   * The bytes of this chunk, which was sent, may change from now on. What waits of it is copied; where that is too late,
   * since the kernel is about to take it, the link ends: nothing torn may arrive. Not needed where links keep frames.
   */
  detach?(chunk: Uint8Array): void;
  /** Ends the link here and now. What the kernel has may still arrive, however late. */
  destroy(): void;
  /**
   * The same, and takes back what the kernel has not delivered: after a partition, nothing old may arrive from a peer that
   * was given up.
   */
  abort(): void;
}
