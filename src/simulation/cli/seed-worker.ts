import { parentPort } from 'node:worker_threads';
import { playScenario } from './any-scenario.js';
import { runSeed } from './run-seed.js';
import type { WorkerTask } from './thread-runner.js';

/** The thread behind `threadRunner`: a task in, what came of it out. */
parentPort?.on('message', (task: WorkerTask) => {
  const outcome = 'scenario' in task ? playScenario(task.scenario) : runSeed(task.seed);
  // A rejection ends the thread, and its owner hears of it.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void outcome.then((result) => parentPort?.postMessage(result));
});
