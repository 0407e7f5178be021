import { Worker } from 'node:worker_threads';

/** What a thread is asked, and what it answers. */
export interface CellTask {
  readonly name: string;
  readonly cell: unknown;
  /** Its place among the cells. */
  readonly at: number;
}

/** @see CellTask */
export interface CellOutcome {
  readonly at: number;
  readonly outcome: unknown;
}

/**
 * Runs the cells of an experiment in so many threads. Cells differ in length, so each thread takes the next when it is
 * free; the outcomes are in the cells' order all the same.
 */
export async function mapInThreads(
  jobs: number,
  name: string,
  cells: readonly unknown[],
  done: (count: number) => void,
): Promise<readonly unknown[]> {
  const outcomes: unknown[] = Array.from({ length: cells.length });
  let next = 0;
  let finished = 0;
  const give = (worker: Worker): void => {
    if (next >= cells.length) return;
    const task: CellTask = { name, cell: cells[next], at: next++ };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(task);
  };
  const workers = Array.from(
    { length: Math.min(jobs, cells.length) },
    () => new Worker(new URL('./cell-worker.js', import.meta.url)),
  );
  try {
    await new Promise<void>((resolve, reject) => {
      for (const worker of workers) {
        worker.on('error', reject);
        worker.on('message', ({ at, outcome }: CellOutcome) => {
          outcomes[at] = outcome;
          done(++finished);
          if (finished === cells.length) resolve();
          else give(worker);
        });
        give(worker);
      }
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return outcomes;
}
