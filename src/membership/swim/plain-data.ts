import { MAX_DEPTH } from './msgpack-scan.js';

/** Metadata is a field of a tuple, so one level is taken. */
const MAX_METADATA_DEPTH = MAX_DEPTH - 1;

/**
 * Whether a value is plain data, what JSON can carry: null, booleans, finite numbers, strings, arrays and plain
 * objects of them, nested at most 15 deep. `undefined` is taken for null.
 */
export function isPlainData(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= MAX_METADATA_DEPTH || !(Array.isArray(value) || isPlainObject(value))) return false;
  return Object.values(value).every((inner) => isPlainData(inner, depth + 1));
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Freezes plain data all the way down. */
export function freezePlainData<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) freezePlainData(inner);
  return Object.freeze(value);
}
