import type { Clock } from '../../clock.js';
import type { ClusterLogger } from '../../logger.js';
import type { Dispatcher } from './dispatcher.js';

/** Refuses new requests and waits for the handlers that run, up to a time; then a warning says what still does. */
export async function drainWithin(
  drainTimeoutMs: number,
  dispatcher: Dispatcher,
  clock: Clock,
  logger: ClusterLogger,
): Promise<void> {
  const drained = dispatcher.drain();
  await new Promise<void>((resolve) => {
    const timer = clock.setTimer(drainTimeoutMs, () => {
      const { running, waiting } = dispatcher.load;
      logger.warn(
        `After ${drainTimeoutMs} ms (drainTimeoutMs) ${running} handlers still run and ${waiting} calls wait`,
      );
      resolve();
    });
    void drained.then(() => (timer.cancel(), resolve()));
  });
}
