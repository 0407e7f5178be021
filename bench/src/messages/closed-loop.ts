import type { Load, Yield } from './contender.js';

/** Keeps `inFlight` calls of an operation running until the time is over, and waits for the last of them. */
export async function closedLoop(
  { inFlight, ms }: Load,
  operation: () => Promise<unknown>,
  perCall = 1,
): Promise<Yield> {
  const latencies: number[] = [];
  const isSequential = inFlight === 1;
  let calls = 0;
  const time = { isOver: false };
  const began = performance.now();
  const timer = setTimeout(() => (time.isOver = true), ms);
  const lane = async (): Promise<void> => {
    while (!time.isOver) {
      const start = isSequential ? performance.now() : 0;
      await operation();
      if (isSequential) latencies.push((performance.now() - start) * 1000);
      calls++;
    }
  };
  try {
    await Promise.all(Array.from({ length: inFlight }, lane));
  } finally {
    clearTimeout(timer);
  }
  return {
    operations: calls * perCall,
    elapsedMs: performance.now() - began,
    latenciesUs: Float64Array.from(latencies),
  };
}
