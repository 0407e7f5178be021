import type { Clock } from '../../clock.js';

/**
 * The event loop of the process that links belong to. What the network brings to a process that stands still
 * (SIGSTOP, a blocked loop) waits in its kernel until the process reads again.
 */
export interface ProcessLoop extends Pick<Clock, 'now' | 'setTimer' | 'afterPoll'> {
  /** The kernel has something for the process, which takes it now, or when it runs again; in order. */
  input(callback: () => void): void;
}
