import { Packr, Unpackr } from 'msgpackr';
import { SerializationError } from '../../errors.js';
import { scanWhole } from '../../membership/swim/msgpack-scan.js';
import type { Serializer } from './serializer.js';

const MAX_DEPTH = 64;

/** Small values are read from one buffer: msgpackr keeps a view beside each buffer that it reads from. */
const SCRATCH_BYTES = 512;

/** A peer may send dates (-1) and undefined (0), and none of the extensions that make msgpackr define things. */
const scan = { maxDepth: MAX_DEPTH, maxValues: Number.MAX_SAFE_INTEGER, extensions: new Set([0x00, 0xff]) };

/**
 * The default serializer: MessagePack, which any language reads.
 *
 * Carries null, undefined, booleans, numbers, bigints of 64 bits, strings, `Date`, `Uint8Array`, arrays and the
 * own enumerable properties of objects. What it could only mangle (`Map`, `Set`, `Error`, functions, symbols,
 * promises, regular expressions, other typed arrays, cycles) is refused.
 *
 * @publicApi
 */
export function messagePack(): Serializer {
  const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true });
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  const small = new Unpackr({ useRecords: false, mapsAsObjects: true, copyBuffers: true });
  const scratch = new Uint8Array(SCRATCH_BYTES);
  return {
    name: 'msgpack',
    serialize(value) {
      checkPlain(value, 0);
      return packr.pack(value);
    },
    deserialize(bytes) {
      try {
        scanWhole(bytes, scan);
        if (bytes.length > SCRATCH_BYTES) return unpackr.unpack(bytes);
        scratch.set(bytes);
        return small.unpack(scratch, bytes.length);
      } catch (cause) {
        throw new SerializationError('The bytes are not a MessagePack value that this library writes', {
          cause,
        });
      }
    },
  };
}

/** @throws SerializationError that names the type that cannot travel */
function checkPlain(value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return;
    case 'bigint':
      if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return;
      throw new SerializationError('A bigint of more than 64 bits cannot be serialized: send it as a string');
    case 'object':
      if (value !== null) checkObject(value, depth);
      return;
    default:
      throw new SerializationError(`A ${typeof value} cannot be serialized: send plain data`);
  }
}

function checkObject(value: object, depth: number): void {
  if (depth >= MAX_DEPTH) {
    throw new SerializationError(`The value is nested deeper than ${MAX_DEPTH} levels, or contains itself`);
  }
  if (Array.isArray(value)) {
    for (const element of value) checkPlain(element, depth + 1);
    return;
  }
  if (value instanceof Uint8Array || value instanceof Date) return;
  if (isUnfit(value)) {
    throw new SerializationError(
      `A ${value.constructor.name} cannot be serialized: send plain objects, arrays and primitives`,
    );
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new SerializationError('The key "__proto__" cannot be serialized');
    checkPlain((value as Record<string, unknown>)[key], depth + 1);
  }
}

/** Built-in objects whose content would be lost as "own enumerable properties". */
function isUnfit(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Error ||
    value instanceof RegExp ||
    value instanceof Promise ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}
