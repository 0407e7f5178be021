import { Random } from '../random.js';

/** How long a cluster has to settle before the first anomaly, ms. Lifeguard §V-C. */
export const SETTLE_MS = 15_000;

/** Lifeguard's whole grid. */
export const PAPER_ANOMALIES = [1, 4, 8, 12, 16, 20, 24, 28, 32];
export const PAPER_DURATIONS_MS = [128, 512, 2048, 8192, 16_384, 32_768];
export const PAPER_INTERVALS_MS = [1, 4, 16, 64, 256, 1024, 4096, 16_384];

/** So many different members, by a seed of their own. */
export function pickMembers(names: readonly string[], count: number, seed: number): readonly string[] {
  const random = new Random(seed);
  const left = [...names];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [picked] = left.splice(random.int(left.length), 1);
    return picked!;
  });
}
