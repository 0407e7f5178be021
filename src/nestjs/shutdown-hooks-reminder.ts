import type { Logger } from '@nestjs/common';

const REMIND_AFTER_MS = 5000;

/**
 * Says once that nobody listens to SIGTERM: the process would die without a word, and look to the others like a
 * crash. It waits, since `enableShutdownHooks()` may be called after the start.
 */
export class ShutdownHooksReminder {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly logger: Logger) {}

  start(): void {
    this.#timer = setTimeout(() => {
      if (process.listenerCount('SIGTERM') > 0) return;
      this.logger.warn(
        'Nothing listens to SIGTERM, so stopping this process will look like a crash to the other members: call app.enableShutdownHooks()',
      );
    }, REMIND_AFTER_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
