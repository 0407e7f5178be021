import { InvalidNodeIdError } from './errors.js';

/**
 * The identity of one process's part in a cluster: 32 lowercase hexadecimal digits (128 bits).
 *
 * Fresh per process start. The first 48 bits are the creation time in milliseconds, so ids sort by age in
 * practice; nothing relies on it, since a peer's clock is never trusted. String order is byte order.
 *
 * @publicApi
 */
export type NodeId = string & { readonly [nodeIdBrand]: true };

declare const nodeIdBrand: unique symbol;

/** Bytes of a NodeId on the wire. */
export const NODE_ID_BYTES = 16;

const TIME_BYTES = 6;
const PATTERN = /^[0-9a-f]{32}$/;

/**
 * Makes a NodeId from the time and 10 random bytes.
 *
 * @param epochMs milliseconds since 1970, below 2^48
 * @param randomBytes at least 10 bytes; the first 10 are used
 */
export function createNodeId(epochMs: number, randomBytes: Uint8Array): NodeId {
  const time = Math.floor(epochMs)
    .toString(16)
    .padStart(TIME_BYTES * 2, '0')
    .slice(-TIME_BYTES * 2);
  return (time + toHex(randomBytes.subarray(0, NODE_ID_BYTES - TIME_BYTES))) as NodeId;
}

/** Whether a value is a well-formed NodeId. @publicApi */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'string' && PATTERN.test(value);
}

/**
 * Checks a string that came from outside.
 *
 * @throws InvalidNodeIdError when it is not 32 lowercase hexadecimal digits
 * @publicApi
 */
export function parseNodeId(value: string): NodeId {
  if (!isNodeId(value)) throw new InvalidNodeIdError(value);
  return value;
}

/** Writes a NodeId's 16 bytes at `offset`; returns the offset behind them. */
export function writeNodeId(id: NodeId, target: Uint8Array, offset: number): number {
  for (let i = 0; i < NODE_ID_BYTES; i++)
    target[offset + i] = Number.parseInt(id.slice(i * 2, i * 2 + 2), 16);
  return offset + NODE_ID_BYTES;
}

/** Reads the NodeId that `writeNodeId` wrote. The caller has checked that 16 bytes are there. */
export function readNodeId(source: Uint8Array, offset: number): NodeId {
  return toHex(source.subarray(offset, offset + NODE_ID_BYTES)) as NodeId;
}

function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
