import { MAX_HEADERS, MAX_HEADER_BYTES, type Headers } from '../messaging/envelope.js';

/** A header that a propagator wants to send. */
export type Carried = readonly [name: string, value: string];

/**
 * A message's own headers and, as far as they fit beside them, those of its trace. Own ones win; with an own
 * `traceparent` the `tracestate` of another trace would make no sense, and is left out.
 *
 * @param carried the most important first
 * @param tooMuch told of what is left out, so that the message does not fail because of it
 */
export function carriedHeaders(
  own: Headers | undefined,
  carried: readonly Carried[],
  tooMuch: (name: string) => void,
): Headers | undefined {
  if (carried.length === 0) return own;
  const headers: Record<string, string> = { ...own };
  const hasOwnTrace = 'traceparent' in headers;
  const entries = Object.entries(headers);
  let count = entries.length;
  let bytes = 0;
  for (const entry of entries) bytes += sizeOf(entry);
  for (const entry of carried) {
    const [name, value] = entry;
    if (Object.hasOwn(headers, name) || (hasOwnTrace && name === 'tracestate')) continue;
    const size = sizeOf(entry);
    if (count === MAX_HEADERS || bytes + size > MAX_HEADER_BYTES) {
      tooMuch(name);
      continue;
    }
    headers[name] = value;
    count++;
    bytes += size;
  }
  return headers;
}

/** A value that is no text is refused when the message is encoded, and counts for nothing here. */
function sizeOf([name, value]: Carried): number {
  return Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
}
