import { sameAddress } from '../../address.js';
import type { Member } from '../membership.js';

/** Whether two records of a member tell the same of it, whatever their state and incarnation. */
export function sameFacts(a: Member, b: Member): boolean {
  return (
    a === b ||
    (a.name === b.name &&
      a.health === b.health &&
      a.healthReason === b.healthReason &&
      a.startedAtMs === b.startedAtMs &&
      a.minVersion === b.minVersion &&
      a.maxVersion === b.maxVersion &&
      sameAddress(a.address, b.address) &&
      sameValue(a.metadata, b.metadata))
  );
}

/**
 * A guess at the encoded size of a record. Frames and pages are filled by it, so it errs on the large side; the limit
 * on the wire is the transport's.
 */
export function recordBytes(member: Member): number {
  let bytes = 64 + textBytes(member.name) + textBytes(member.address.host) + valueBytes(member.metadata);
  if (member.healthReason !== undefined) bytes += textBytes(member.healthReason);
  for (const extra of member.extra ?? []) bytes += extra.length + 5;
  return bytes;
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameValue(get(a, key), get(b, key)));
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value !== 'object' || value === null) return 9;
  let bytes = 5;
  for (const key of Object.keys(value)) bytes += textBytes(key) + valueBytes(get(value, key));
  return bytes;
}

/** At most 3 bytes of UTF-8 per UTF-16 unit, and a length. */
function textBytes(text: string): number {
  return 3 * text.length + 5;
}

function get(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}
