import { answer } from '../workers.js';
import { raiseLoopback } from './loopback.js';
import { measureIdle } from './measure.js';

answer({ raiseLoopback, measure: measureIdle });
