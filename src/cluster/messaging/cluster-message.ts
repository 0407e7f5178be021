import type { Member } from '../../membership/membership.js';

/** What a {@link ClusterMessage} is made of. */
export interface ClusterMessageFields {
  readonly sender: Member;
  readonly pattern: string | undefined;
  readonly data: unknown;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAtMs: number;
  readonly isRequest: boolean;
}

/**
 * A message as a handler gets it. `payload` is valid until the handler has finished.
 *
 * @publicApi
 */
export class ClusterMessage {
  /** The sender as known when the message arrived. */
  readonly sender: Member;
  /** What `emit` or `request` was called with; undefined for the raw bytes of `send` and `broadcast`. */
  readonly pattern: string | undefined;
  /** The value after the serializer; the bytes themselves for raw messages. */
  readonly data: unknown;
  /** The bytes that travelled. */
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** When it arrived here, milliseconds since 1970. */
  readonly receivedAtMs: number;
  /** Whether the sender waits for an answer. */
  readonly isRequest: boolean;

  private constructor(fields: ClusterMessageFields) {
    this.sender = fields.sender;
    this.pattern = fields.pattern;
    this.data = fields.data;
    this.payload = fields.payload;
    this.headers = fields.headers;
    this.receivedAtMs = fields.receivedAtMs;
    this.isRequest = fields.isRequest;
  }

  /** Makes a message; for nodes and tests. @internal */
  static of(fields: ClusterMessageFields): ClusterMessage {
    return new ClusterMessage(fields);
  }
}
