/**
 * Turns values into bytes and back, for `emit` and `request`. All members of a cluster need the same one: its
 * name is part of the handshake.
 *
 * @publicApi
 */
export interface Serializer {
  /** Compared in the handshake; change it when the format changes. 1 to 64 bytes in UTF-8. */
  readonly name: string;
  /** Bytes of a value. @throws SerializationError when the value cannot travel unharmed. */
  serialize(value: unknown): Uint8Array;
  /** The value of bytes. @throws SerializationError when the bytes are not a value. */
  deserialize(bytes: Uint8Array): unknown;
}
