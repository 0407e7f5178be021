import { performance } from 'node:perf_hooks';

/** How long anything may take that is expected to happen: generous, since other tests share the machine. */
export const PATIENCE_MS = 30_000;

/** What {@link until} may be told. */
export interface UntilOptions {
  readonly withinMs?: number;
  /** Printed when the time is up. */
  readonly report?: () => string;
}

/**
 * Looks again and again until something is there, in real time; fails with the report when it does not come.
 *
 * @returns what was found
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs = PATIENCE_MS, report = () => '' }: UntilOptions = {},
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`Not within ${withinMs} ms: ${what}\n${report()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
