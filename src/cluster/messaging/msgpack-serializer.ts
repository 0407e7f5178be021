import { Packr, Unpackr } from 'msgpackr';
import { SerializationError } from '../../errors.js';
import { scanWhole } from '../../membership/swim/msgpack-scan.js';
import type { Serializer } from './serializer.js';

/** Small values are read from one buffer: msgpackr keeps a view beside each buffer that it reads from. */
const SCRATCH_BYTES = 512;

/** A peer may send dates (-1) and undefined (0), and none of the extensions that make msgpackr define things. */
const extensions = new Set([0x00, 0xff]);

/** How far a value may go. @publicApi */
export interface ValueLimits {
  /** Levels of arrays and objects. Default: 64. */
  readonly valueDepth?: number | undefined;
  /** Elements, keys and properties in all, and the value itself. Default: 1,000,000. */
  readonly values?: number | undefined;
}

/**
 * The default serializer: MessagePack, which any language reads.
 *
 * Carries null, undefined, booleans, numbers, bigints of 64 bits, strings, `Date`, `Uint8Array`, arrays and the
 * own enumerable properties of objects. What it could only mangle (`Map`, `Set`, `Error`, functions, symbols,
 * promises, regular expressions, other typed arrays, cycles) is refused, and so is what goes over a limit: when it is
 * sent, and when it is read.
 *
 * @publicApi
 */
export function messagePack(limits: ValueLimits = {}): Serializer {
  const { valueDepth = 64, values = 1_000_000 } = limits;
  const scan = { maxDepth: valueDepth, maxValues: values, extensions };
  const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true });
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  const small = new Unpackr({ useRecords: false, mapsAsObjects: true, copyBuffers: true });
  const scratch = new Uint8Array(SCRATCH_BYTES);
  return {
    name: 'msgpack',
    serialize(value) {
      new PlainCheck(valueDepth, values).value(value, 0);
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

/** Walks over a value that is to be sent. Throws SerializationError that names the type that cannot travel, or the limit. */
class PlainCheck {
  #values = 0;

  constructor(
    private readonly maxDepth: number,
    private readonly maxValues: number,
  ) {}

  value(value: unknown, depth: number): void {
    this.#count();
    switch (typeof value) {
      case 'string':
      case 'number':
      case 'boolean':
      case 'undefined':
        return;
      case 'bigint':
        if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return;
        throw new SerializationError(
          'A bigint of more than 64 bits cannot be serialized: send it as a string',
        );
      case 'object':
        if (value !== null) this.#object(value, depth);
        return;
      default:
        throw new SerializationError(`A ${typeof value} cannot be serialized: send plain data`);
    }
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array || value instanceof Date) return;
    if (depth >= this.maxDepth) {
      throw new SerializationError(
        `The value is nested deeper than ${this.maxDepth} levels (limits.valueDepth), or contains itself`,
      );
    }
    if (Array.isArray(value)) {
      for (const element of value) this.value(element, depth + 1);
      return;
    }
    if (isUnfit(value)) {
      throw new SerializationError(
        `A ${value.constructor.name} cannot be serialized: send plain objects, arrays and primitives`,
      );
    }
    for (const key of Object.keys(value)) {
      if (key === '__proto__') throw new SerializationError('The key "__proto__" cannot be serialized');
      this.#count();
      this.value((value as Record<string, unknown>)[key], depth + 1);
    }
  }

  /** Keys count as in the scan of what was received, so that whatever leaves here can be read there. */
  #count(): void {
    if (++this.#values <= this.maxValues) return;
    throw new SerializationError(
      `The value has more than ${this.maxValues} parts (limits.values): send several messages, or numbers as the bytes of a typed array`,
    );
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
