import { parentPort } from 'node:worker_threads';
import { runSeed, type SeedTask } from './run-seed.js';

/** The thread behind `threadRunner`: a task in, its outcome out. */
parentPort?.on('message', (task: SeedTask) => {
  // A rejection ends the thread, and its owner hears of it.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void runSeed(task).then((outcome) => parentPort?.postMessage(outcome));
});
