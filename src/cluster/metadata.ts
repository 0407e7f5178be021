import { Packr } from 'msgpackr/pack';
import { InvalidMetadataError } from '../errors.js';
import type { ClusterMetadata, MetadataPatch } from '../membership/membership.js';

const MAX_DEPTH = 8;

/**
 * Metadata with a change, frozen; the same object when nothing changes.
 *
 * @throws InvalidMetadataError
 */
export function patchMetadata(
  current: ClusterMetadata,
  patch: MetadataPatch,
  limitBytes: number,
): ClusterMetadata {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    throw new InvalidMetadataError('Metadata must be a plain object');
  }
  const changed = freezeMetadata(mergeMetadata(current, patch), limitBytes);
  return sameMetadata(current, changed) ? current : changed;
}

/** Adds and replaces keys; null removes one, undefined leaves it as it is. */
export function mergeMetadata(current: ClusterMetadata, patch: MetadataPatch): ClusterMetadata {
  const merged = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (value !== undefined) merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/**
 * A deep, frozen copy of plain data: null, booleans, finite numbers, strings, arrays, plain objects.
 *
 * @throws InvalidMetadataError that names the key, or size and limit
 */
export function freezeMetadata(metadata: ClusterMetadata, limitBytes: number): ClusterMetadata {
  const copy = freezeValue(metadata, 'metadata', 0) as ClusterMetadata;
  const sizeBytes = new Packr({ useRecords: false }).pack(copy).length;
  if (sizeBytes > limitBytes) {
    throw new InvalidMetadataError(
      `The metadata has ${sizeBytes} bytes, the limit is ${limitBytes}: every member keeps it, so keep it short, or raise limits.metadataBytes on every node`,
      limitBytes,
    );
  }
  return copy;
}

function freezeValue(value: unknown, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new InvalidMetadataError(`${path} is nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    return Object.freeze(value.map((element, i) => freezeValue(element, `${path}[${i}]`, depth + 1)));
  }
  if (isPlainObject(value)) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    if (entries.some(([key]) => key === '__proto__')) {
      throw new InvalidMetadataError(`${path} has the key "__proto__", which cannot travel`);
    }
    return Object.freeze(
      Object.fromEntries(
        entries.map(([key, field]) => [key, freezeValue(field, `${path}.${key}`, depth + 1)]),
      ),
    );
  }
  throw new InvalidMetadataError(`${path} is ${describeUnfit(value)}; metadata is what JSON can carry`);
}

/** Whether two metadata say the same, whatever the order of their keys at the top. */
export function sameMetadata(a: ClusterMetadata, b: ClusterMetadata): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && JSON.stringify(a[key]) === JSON.stringify(b[key]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function describeUnfit(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : `a ${typeof value}`;
}
