import { Worker } from 'node:worker_threads';
import { runSeed, type SeedOutcome, type SeedTask } from './run-seed.js';

/** Runs one seed at a time. */
export interface SeedRunner {
  run(task: SeedTask): Promise<SeedOutcome>;
  close(): Promise<void>;
}

/** Runs seeds in this thread. */
export function localRunner(): SeedRunner {
  return { run: (task) => runSeed(task), close: async () => {} };
}

/** Runs seeds in a thread of its own. A thread that fails breaks the run: there is no result to go on with. */
export function threadRunner(): SeedRunner {
  const worker = new Worker(new URL('./seed-worker.js', import.meta.url));
  return {
    run: (task) =>
      new Promise<SeedOutcome>((resolve, reject) => {
        const settle = () => {
          worker.off('message', onMessage);
          worker.off('error', onError);
        };
        const onMessage = (outcome: SeedOutcome) => {
          settle();
          resolve(outcome);
        };
        const onError = (error: Error) => {
          settle();
          reject(error);
        };
        worker.on('message', onMessage);
        worker.on('error', onError);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage(task);
      }),
    close: async () => void (await worker.terminate()),
  };
}
