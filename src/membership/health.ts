import type { MemberHealth } from './membership.js';

/** Every health that there is. On the wire each is its index: append only. */
export const HEALTHS: readonly MemberHealth[] = ['ok', 'degraded', 'draining'];

/** A reason is a line for people, and every member keeps the reasons of all. Part of the wire format. */
export const MAX_HEALTH_REASON_BYTES = 256;

/** How long a text is in UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
