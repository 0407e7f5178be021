// A thread of cell-threads.ts: runs the cells that it is given, one at a time.
import { parentPort } from 'node:worker_threads';
import { experimentNamed } from '../experiments/run-experiment.js';
import type { CellOutcome, CellTask } from './cell-threads.js';

/** Nothing that depends on the machine is measured here, where others run too. */
const host = { realNowMs: () => Number.NaN, heapUsedBytes: () => Number.NaN, peakRssBytes: () => Number.NaN };

parentPort?.on('message', ({ name, cell, at }: CellTask) => {
  const answer: CellOutcome = { at, outcome: experimentNamed(name).run(cell, host) };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(answer);
});
