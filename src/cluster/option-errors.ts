import { InvalidOptionError, clip } from '../errors.js';

/**
 * The error for a key that is no option.
 *
 * @param path where it was written, for example `swim.probeIntervalMS`
 * @param key its last part
 * @param siblings the options that exist there
 */
export function unknownOption(path: string, key: string, siblings: readonly string[]): InvalidOptionError {
  // Of a short key, two changes leave nothing.
  const near = Math.min(2, Math.floor(key.length / 3));
  const close = siblings.find((sibling) => distance(sibling.toLowerCase(), key.toLowerCase()) <= near);
  const hint =
    close === undefined ? `the options here are ${siblings.join(', ')}` : `did you mean "${close}"?`;
  return new InvalidOptionError(clip(path), `is not an option; ${hint}`);
}

/** A value for an error message: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `"${clip(value)}"`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** Levenshtein. Both are option names, so short; a long one is far from all of them anyway. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, change));
    }
    row = next;
  }
  return row[b.length]!;
}
