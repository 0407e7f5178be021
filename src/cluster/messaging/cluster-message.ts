import type { Member } from '../../membership/membership.js';
import { encodeRawMeta } from './envelope.js';

/** What a {@link ClusterMessage} is made of. @publicApi */
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
 * A message as a handler gets it. `payload` is valid until the handler has finished. `Data` is what `data` is said to
 * be: a peer may send something else, which only a pipe or a check of your own finds.
 *
 * @publicApi
 */
export class ClusterMessage<Data = unknown> {
  /** The sender as known when the message arrived. */
  readonly sender: Member;
  /** What `emit` or `request` was called with; undefined for the raw bytes of `send` and `broadcast`. */
  readonly pattern: string | undefined;
  /** The value after the serializer; the bytes themselves for raw messages. */
  readonly data: Data;
  /** The bytes that travelled. */
  readonly payload: Uint8Array;
  /** What the sender gave as `headers`; `{}` when it gave none. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it arrived here, milliseconds since 1970. */
  readonly receivedAtMs: number;
  /** Whether the sender waits for an answer. */
  readonly isRequest: boolean;
  #replyMeta: Uint8Array = encodeRawMeta(undefined);

  private constructor(fields: ClusterMessageFields) {
    this.sender = fields.sender;
    this.pattern = fields.pattern;
    this.data = fields.data as Data;
    this.payload = fields.payload;
    this.headers = fields.headers;
    this.receivedAtMs = fields.receivedAtMs;
    this.isRequest = fields.isRequest;
  }

  /**
   * Headers that travel with the answer to this request, be it a reply or an error; they replace those that were set
   * before. The caller sees them with `onReplyHeaders`. Without effect on a message that is no request.
   *
   * @param headers as those of a message: up to 32 entries and 4 KiB
   * @throws InvalidOptionError over these limits
   */
  setReplyHeaders(headers: Readonly<Record<string, string>>): void {
    this.#replyMeta = encodeRawMeta(headers);
  }

  /** What travels beside the answer. @internal */
  static replyMetaOf(message: ClusterMessage): Uint8Array {
    return message.#replyMeta;
  }

  /** Makes a message; for nodes and tests. @internal */
  static of(fields: ClusterMessageFields): ClusterMessage {
    return new ClusterMessage(fields);
  }
}
