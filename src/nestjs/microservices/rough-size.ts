/** What a number, a boolean or the frame of an object takes, roughly. */
const SMALL = 8;

/**
 * About how many bytes a value takes when it is serialized: for sharing values out, not for limits. Looks at no more of it
 * than is needed to see that it is over `enough`.
 */
export function roughSize(value: unknown, enough: number): number {
  let size = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && size <= enough) {
    const one = waiting.pop();
    size += SMALL;
    if (typeof one === 'string') size += one.length;
    else if (ArrayBuffer.isView(one)) size += one.byteLength;
    else if (typeof one === 'object' && one !== null) {
      const parts: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
      // Each part counts for SMALL at least: no more of them are needed to see that it is enough.
      for (let i = 0; i < parts.length && i <= enough / SMALL; i++) waiting.push(parts[i]);
    }
  }
  return size;
}
