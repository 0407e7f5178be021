import { isAddress, type Address } from '../../address.js';
import { ProtocolViolationError } from '../../errors.js';
import { NODE_ID_BYTES, readNodeId, type NodeId } from '../../node-id.js';
import { MAX_INCARNATION } from './messages.js';

const MAX_UINT32 = 0xffff_ffff;

/**
 * Reads the fields of a decoded tuple one after the other and believes none of them.
 *
 * Fields behind the last one that is asked for belong to a newer version and are left alone (decisions 12).
 * Everything throws `ProtocolViolationError` `malformed` with the tuple's and the field's name.
 */
export class Tuple {
  readonly #values: readonly unknown[];
  readonly #name: string;
  #at = 0;

  constructor(value: unknown, name: string) {
    this.#name = name;
    if (!Array.isArray(value)) throw this.#malformed('is not a tuple');
    this.#values = value;
  }

  uint32(field: string): number {
    return this.integer(field, MAX_UINT32);
  }

  incarnation(field = 'incarnation'): number {
    return this.integer(field, MAX_INCARNATION);
  }

  /** An integer from 0 to `max`. */
  integer(field: string, max: number): number {
    const value = this.#next();
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max)
      throw this.#malformed(field);
    return value as number;
  }

  /** A finite number, not below 0. */
  milliseconds(field: string): number {
    const value = this.#next();
    if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER))
      throw this.#malformed(field);
    return value;
  }

  boolean(field: string): boolean {
    const value = this.#next();
    if (typeof value !== 'boolean') throw this.#malformed(field);
    return value;
  }

  text(field: string, maxLength: number): string {
    const value = this.#next();
    if (typeof value !== 'string' || value.length > maxLength) throw this.#malformed(field);
    return value;
  }

  bytes(field: string): Uint8Array {
    const value = this.#next();
    if (!(value instanceof Uint8Array)) throw this.#malformed(field);
    return value;
  }

  /** One of a fixed list, sent as its index. */
  choice<T extends string>(field: string, choices: readonly T[]): T {
    return choices[this.integer(field, choices.length - 1)]!;
  }

  nodeId(field: string): NodeId {
    return this.#asNodeId(this.#next(), field);
  }

  nodeIds(field: string, maxCount: number): readonly NodeId[] {
    return this.list(field, maxCount).map((value) => this.#asNodeId(value, field));
  }

  address(field = 'address'): Address {
    const value = new Tuple(this.#next(), `${this.#name}.${field}`);
    const address = { host: value.#next(), port: value.#next() };
    if (!isAddress(address)) throw this.#malformed(field);
    return address;
  }

  tuple(field: string): Tuple {
    return new Tuple(this.#next(), `${this.#name}.${field}`);
  }

  list(field: string, maxCount: number): readonly unknown[] {
    const value = this.#next();
    if (!Array.isArray(value) || value.length > maxCount) throw this.#malformed(field);
    return value;
  }

  /** A plain object, whatever is in it. */
  record(field: string): Readonly<Record<string, unknown>> {
    const value = this.#next();
    const isPlain =
      typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain) throw this.#malformed(field);
    return value as Record<string, unknown>;
  }

  /** Reads with `read` unless the field is nil. */
  optional<T>(read: () => T): T | undefined {
    const value = this.#values[this.#at];
    if (value !== null) return read();
    this.#at++;
    return undefined;
  }

  #next(): unknown {
    return this.#values[this.#at++];
  }

  #asNodeId(value: unknown, field: string): NodeId {
    if (!(value instanceof Uint8Array) || value.length !== NODE_ID_BYTES) throw this.#malformed(field);
    return readNodeId(value, 0);
  }

  #malformed(field: string): ProtocolViolationError {
    return new ProtocolViolationError('malformed', `${this.#name}: ${field} is not valid`);
  }
}
