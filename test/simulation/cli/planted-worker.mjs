// A thread for `threadRunner` that runs no simulation, and in which some seeds go wrong.
import { parentPort, threadId } from 'node:worker_threads';

parentPort.on('message', (task) => {
  const { seed } = task.scenario ?? task.seed;
  if (seed === 13) for (;;);
  if (seed === 14) throw new Error('planted');
  if (seed === 15) process.exit(3);
  const result = {
    seed,
    ok: true,
    sometimes: {},
    faults: {},
    stats: { virtualMs: 0, inputs: threadId, messages: 0 },
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort.postMessage(task.scenario === undefined ? { kind: 'protocol', result, realMs: 1 } : result);
});
