import type { Experiment } from './experiment.js';
import { lifeguardInterval } from './lifeguard-interval.js';
import { lifeguardThreshold } from './lifeguard-threshold.js';
import { scale } from './scale.js';
import { swimDetection } from './swim-detection.js';
import { swimDissemination } from './swim-dissemination.js';
import { swimFalsePositives } from './swim-false-positives.js';
import { swimLoad } from './swim-load.js';
import { swimSuspicion } from './swim-suspicion.js';

/** All experiments, in the order in which they are run and shown. */
export const experiments: readonly Experiment[] = [
  swimLoad,
  swimDetection,
  swimDissemination,
  swimSuspicion,
  swimFalsePositives,
  lifeguardThreshold,
  lifeguardInterval,
  scale,
];
