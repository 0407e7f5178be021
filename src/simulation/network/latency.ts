import type { Random } from '../random.js';

/** How long one crossing of the network takes: a range, drawn evenly, or a distribution with a tail. @publicApi */
export interface Latency {
  /** The least, in milliseconds. */
  readonly minMs: number;
  /** The most, in milliseconds; nothing is ever drawn above it. */
  readonly maxMs: number;
  /**
   * `uniform` (default) · `exponential`: most are near `minMs`, with mean `meanMs` above it, which is what a queue
   * gives · `log-normal`: median `meanMs`, a long tail, which is what the internet gives.
   */
  readonly shape?: 'uniform' | 'exponential' | 'log-normal' | undefined;
  /** See `shape`. Default: a quarter of the range above `minMs`. */
  readonly meanMs?: number | undefined;
}

/** The spread of a log-normal latency: the standard deviation of its logarithm. */
const LOG_SPREAD = 0.8;

/** Draws one crossing's time, in milliseconds. */
export function drawLatencyMs({ minMs, maxMs, shape, meanMs }: Latency, random: Random): number {
  if (shape === undefined || shape === 'uniform') return random.between(minMs, maxMs);
  const typicalMs = meanMs ?? minMs + (maxMs - minMs) / 4;
  const drawnMs =
    shape === 'exponential'
      ? minMs - Math.max(0, typicalMs - minMs) * Math.log(1 - random.next())
      : typicalMs * Math.exp(LOG_SPREAD * standardNormal(random));
  return Math.min(maxMs, Math.max(minMs, drawnMs));
}

/** Box and Muller, one of the two. */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
