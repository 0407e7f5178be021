import { ProtocolViolationError } from '../../errors.js';

/** How deep arrays and maps may nest. Messages of this protocol need 4; metadata may use the rest. */
export const MAX_DEPTH = 16;
/** How many values one message may hold, so that a cheap megabyte of nils does not become an expensive array. */
export const MAX_VALUES = 65_536;

/**
 * Walks over one msgpack value without building it: bytes that pass are complete, no deeper than `MAX_DEPTH`, hold
 * at most `MAX_VALUES` values, have strings as map keys, and use no extension types.
 *
 * A decoder that recurses would overflow its stack on 60 KB of nested arrays, and extension types would let a peer
 * define records and references in it. Decisions 12.
 *
 * @returns the offset behind the value
 * @throws ProtocolViolationError `truncated`, `too-deep`, `too-many-values`, `extension` or `malformed`
 */
export function scanValue(bytes: Uint8Array, offset: number, options: ScanOptions = {}): number {
  return new Scan(bytes, options).value(offset, 0);
}

/** Scans bytes that are one value and nothing else. */
export function scanWhole(bytes: Uint8Array, options?: ScanOptions): void {
  if (scanValue(bytes, 0, options) !== bytes.length) {
    throw new ProtocolViolationError('malformed', 'There are bytes behind the end of the message');
  }
}

export interface ScanOptions {
  /** For values that are only carried on, never decoded. Default: false. */
  readonly allowExtensions?: boolean | undefined;
  /** Extension types that may be decoded, 0–255. Default: none. */
  readonly extensions?: ReadonlySet<number> | undefined;
  /** Default: {@link MAX_DEPTH}. */
  readonly maxDepth?: number | undefined;
  /** Default: {@link MAX_VALUES}. */
  readonly maxValues?: number | undefined;
}

/**
 * Reads the header of an array.
 *
 * @returns how many elements, and the offset of the first
 */
export function scanArrayHeader(bytes: Uint8Array): { readonly count: number; readonly offset: number } {
  const first = bytes[0] ?? 0;
  if ((first & 0xf0) === 0x90) return { count: first & 0x0f, offset: 1 };
  if (first === 0xdc && bytes.length >= 3) return { count: readUint(bytes, 1, 2), offset: 3 };
  throw new ProtocolViolationError('malformed', 'An array was expected');
}

class Scan {
  readonly #bytes: Uint8Array;
  readonly #allowExtensions: boolean;
  readonly #extensions: ReadonlySet<number> | undefined;
  readonly #maxDepth: number;
  readonly #maxValues: number;
  #values = 0;

  constructor(bytes: Uint8Array, options: ScanOptions) {
    this.#bytes = bytes;
    this.#allowExtensions = options.allowExtensions ?? false;
    this.#extensions = options.extensions;
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#maxValues = options.maxValues ?? MAX_VALUES;
  }

  value(at: number, depth: number): number {
    if (++this.#values > this.#maxValues) {
      throw new ProtocolViolationError(
        'too-many-values',
        `The message has more than ${this.#maxValues} values`,
      );
    }
    const type = this.#byte(at);
    const next = at + 1;
    if (type <= 0x7f || type >= 0xe0) return next;
    if (type <= 0x8f) return this.#map(next, type & 0x0f, depth);
    if (type <= 0x9f) return this.#array(next, type & 0x0f, depth);
    if (type <= 0xbf) return this.#skip(next, type & 0x1f);
    switch (type) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return next;
      case 0xc4: // bin 8
      case 0xd9: // str 8
        return this.#sized(next, 1, 0);
      case 0xc5: // bin 16
      case 0xda: // str 16
        return this.#sized(next, 2, 0);
      case 0xc6: // bin 32
      case 0xdb: // str 32
        return this.#sized(next, 4, 0);
      case 0xcc: // uint 8
      case 0xd0: // int 8
        return this.#skip(next, 1);
      case 0xcd: // uint 16
      case 0xd1: // int 16
        return this.#skip(next, 2);
      case 0xca: // float 32
      case 0xce: // uint 32
      case 0xd2: // int 32
        return this.#skip(next, 4);
      case 0xcb: // float 64
      case 0xcf: // uint 64
      case 0xd3: // int 64
        return this.#skip(next, 8);
      case 0xdc: // array 16
        return this.#array(next + 2, this.#uint(next, 2), depth);
      case 0xdd: // array 32
        return this.#array(next + 4, this.#uint(next, 4), depth);
      case 0xde: // map 16
        return this.#map(next + 2, this.#uint(next, 2), depth);
      case 0xdf: // map 32
        return this.#map(next + 4, this.#uint(next, 4), depth);
      default:
        return this.#extension(next, type);
    }
  }

  #extension(at: number, type: number): number {
    if (type === 0xc1)
      throw new ProtocolViolationError('malformed', 'The message has a byte that msgpack never uses');
    // ext 8/16/32 carry their length, fixext 1/2/4/8/16 have it in the type; one byte more names the extension.
    const name = this.#byte(type <= 0xc9 ? at + (1 << (type - 0xc7)) : at);
    if (!this.#allowExtensions && !this.#extensions?.has(name)) {
      throw new ProtocolViolationError('extension', `The message has the extension type ${name}`);
    }
    if (type <= 0xc9) return this.#sized(at, 1 << (type - 0xc7), 1);
    return this.#skip(at, (1 << (type - 0xd4)) + 1);
  }

  #array(at: number, count: number, depth: number): number {
    this.#checkContainer(at, count, depth);
    for (let i = 0; i < count; i++) at = this.value(at, depth + 1);
    return at;
  }

  #map(at: number, count: number, depth: number): number {
    this.#checkContainer(at, count * 2, depth);
    for (let i = 0; i < count; i++) {
      const key = this.#byte(at);
      const isString = (key >= 0xa0 && key <= 0xbf) || (key >= 0xd9 && key <= 0xdb);
      if (!isString) throw new ProtocolViolationError('malformed', 'A map has a key that is no string');
      at = this.value(this.value(at, depth + 1), depth + 1);
    }
    return at;
  }

  /** Each element needs a byte at least, so a count that the rest cannot hold is refused before any loop. */
  #checkContainer(at: number, values: number, depth: number): void {
    if (depth >= this.#maxDepth) {
      throw new ProtocolViolationError('too-deep', `The message nests deeper than ${this.#maxDepth}`);
    }
    if (values > this.#bytes.length - at) throw truncated();
  }

  #sized(at: number, sizeBytes: number, extra: number): number {
    return this.#skip(at + sizeBytes, this.#uint(at, sizeBytes) + extra);
  }

  #skip(at: number, count: number): number {
    if (count > this.#bytes.length - at) throw truncated();
    return at + count;
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw truncated();
    return byte;
  }

  #uint(at: number, sizeBytes: number): number {
    if (sizeBytes > this.#bytes.length - at) throw truncated();
    return readUint(this.#bytes, at, sizeBytes);
  }
}

function readUint(bytes: Uint8Array, at: number, sizeBytes: number): number {
  let value = 0;
  for (let i = 0; i < sizeBytes; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

function truncated(): ProtocolViolationError {
  return new ProtocolViolationError('truncated', 'The message ends too early');
}
