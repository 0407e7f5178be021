import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Host } from '../experiments/experiment.js';

/** This process: real time, and memory after a collection, so that what is measured is what is held. */
export function processHost(): Host {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  return {
    realNowMs: () => performance.now(),
    heapUsedBytes: () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    },
    peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
  };
}
