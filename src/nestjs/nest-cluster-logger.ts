import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import type { ClusterLogger } from '../logger.js';

/** Writes what a node says with the application's own logger, as `Cluster` or `Cluster:as`. */
export class NestClusterLogger implements ClusterLogger {
  readonly #logger: Logger;

  constructor(context: string) {
    this.#logger = new Logger(context);
  }

  debug(message: string): void {
    this.#logger.debug(message);
  }

  log(message: string): void {
    this.#logger.log(message);
  }

  warn(message: string): void {
    this.#logger.warn(message);
  }

  error(message: string, cause?: unknown): void {
    if (cause === undefined) this.#logger.error(message);
    else if (cause instanceof Error) this.#logger.error(`${message}: ${cause.message}`, cause.stack);
    else this.#logger.error(`${message}: ${inspect(cause)}`);
  }
}
